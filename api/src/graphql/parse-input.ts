import { badInput } from '@longhaul/core/src/errors.ts'
import { cleanText } from '@longhaul/core/src/text.ts'
import { z } from 'zod'

/** The caller's input, checked as a whole before anything is done (invariant 13). Names the first field that is wrong and what it must be. */
export const parseInput = <S extends z.ZodType>(schema: S, input: unknown, field = 'input'): z.output<S> => {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  if (issue === undefined) throw badInput(field, 'something else')
  throw badInput([field, ...issue.path].join('.'), issue.message)
}

const isClean = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** A short text that is shown in lists: one line, no NUL, no half characters. */
export const label = (max = 200) => {
  const reason = `1 to ${max} characters on one line`
  return z
    .string({ error: reason })
    .refine((text) => text.trim() !== '' && text.length <= max && isClean(text) && !/[\r\n]/.test(text), reason)
}

/** A long text. NUL and lone surrogates become U+FFFD, as everywhere at the border. */
export const longText = (maxBytes: number) => {
  const reason = `a text of 1 to ${maxBytes} bytes of UTF-8`
  return z
    .string({ error: reason })
    .refine((text) => text.trim() !== '' && Buffer.byteLength(text) <= maxBytes, reason)
    .transform((text) => cleanText(text).text)
}

export const wholeNumber = (min: number, max: number) => {
  const reason = `a whole number from ${min} to ${max}`
  return z.int({ error: reason }).refine((value) => value >= min && value <= max, reason)
}

/** Whatever is no id of ours is an id that does not exist. */
export const isId = (text: string): boolean => /^[a-z]{3}_[0-9a-z_]{1,100}$/.test(text)

export const idempotencyKey = z
  .string()
  .refine((text) => text.length >= 1 && text.length <= 200 && isClean(text), '1 to 200 characters')
  .nullish()
  .transform((key) => key ?? null)

/** null and left out mean the same. */
export const optional = <S extends z.ZodType>(schema: S) =>
  schema.nullish().transform((value): z.output<S> | null => (value === undefined || value === null ? null : (value as z.output<S>)))
