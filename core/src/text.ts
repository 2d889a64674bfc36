/** Text at the border: what Postgres refuses or a reader can't show is mended here, once, and marked. Pure. */

/** NUL and lone surrogates become U+FFFD: jsonb refuses both. */
export const cleanText = (text: string): { text: string; lossy: boolean } => {
  if (text.isWellFormed() && !text.includes('\0')) return { text, lossy: false }
  return { text: text.toWellFormed().replaceAll('\0', '\uFFFD'), lossy: true }
}

/** The same for every string and key of a JSON value. Returns the value itself when there is nothing to mend. */
export const cleanJson = (value: unknown): { value: unknown; lossy: boolean } => {
  if (typeof value === 'string') {
    const { text, lossy } = cleanText(value)
    return { value: text, lossy }
  }
  if (Array.isArray(value)) {
    const items = value.map(cleanJson)
    const lossy = items.some((item) => item.lossy)
    return { value: lossy ? items.map((item) => item.value) : value, lossy }
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([key, item]) => ({ key: cleanText(key), item: cleanJson(item) }))
    const lossy = entries.some(({ key, item }) => key.lossy || item.lossy)
    return { value: lossy ? Object.fromEntries(entries.map(({ key, item }) => [key.text, item.value])) : value, lossy }
  }
  return { value, lossy: false }
}

/** At most `maxCodeUnits` of a text, never half a code point. */
export const cutText = (text: string, maxCodeUnits: number): string => {
  if (text.length <= maxCodeUnits) return text
  const end = (text.codePointAt(maxCodeUnits - 1) ?? 0) > 0xffff ? maxCodeUnits - 1 : maxCodeUnits
  return text.slice(0, end)
}
