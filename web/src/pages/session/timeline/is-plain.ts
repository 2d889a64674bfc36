/** A line that begins with a letter and has none of the signs that markdown gives a meaning anywhere. */
const PLAIN = /^\p{L}(?:[\p{L}\p{N} ,.;:'"’“”()?!%$=…–-]*[\p{L}\p{N},.;:'"’“”()?!%$=…–-])?$/u
/** It makes a link of an address that names no protocol. */
const ADDRESS = /www\./i

/** Whether markdown would make nothing of a text but one paragraph. Much of what agents say is such a line, and needs no parser. */
export const isPlain = (text: string): boolean => PLAIN.test(text) && !ADDRESS.test(text)
