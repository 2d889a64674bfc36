// components/ owns what pages are made of: controls, facts, frames. It must never fetch anything, nor know a page.

/** `Usd` of the API as a person reads it: cents from a dollar on, up to four places below, never less than what is spent looks. */
export const formatUsd = (usd: string): string => {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(usd)
  if (!match) return usd
  const [, sign = '', whole = '0', part = ''] = match
  const hidesInCents = whole === '0' && part.startsWith('0') && /[1-9]/.test(part.slice(2))
  const places = hidesInCents ? 4 : 2
  const scaled = BigInt(whole + part.padEnd(6, '0').slice(0, 6))
  const unit = 10n ** BigInt(6 - places)
  const rounded = (scaled + unit - 1n) / unit
  const digits = String(rounded).padStart(places + 1, '0')
  return `${sign}$${group(digits.slice(0, -places))}.${digits.slice(-places)}`
}

const group = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ',')

/** For ratios and bars only: sums stay the API's. */
export const toNumber = (usd: string): number => Number(usd)

export const formatCount = (count: number): string => {
  if (count < 1_000) return String(count)
  if (count < 1_000_000) return `${trim(count / 1_000)}k`
  return `${trim(count / 1_000_000)}M`
}

const trim = (value: number): string => (value < 10 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0))

export const formatDuration = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** How long ago, in one unit. */
export const formatAge = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

export const formatBytes = (bytes: number): string => {
  if (bytes < 1_024) return `${bytes} B`
  if (bytes < 1_048_576) return `${trim(bytes / 1_024)} KB`
  return `${trim(bytes / 1_048_576)} MB`
}

/** `MAX_EVALUATIONS` → `max evaluations`. */
export const toWords = (name: string): string => name.toLowerCase().replaceAll('_', ' ')

// By hand: the browser's own formatters read their tables when the first is made, which costs a page as much as to draw itself.
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (part: number): string => String(part).padStart(2, '0')

/** `14:05:09`, where one is. */
export const formatClock = (iso: string): string => {
  const at = new Date(iso)
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** `Nov 29, 2026, 14:05`, where one is. */
export const formatDateTime = (iso: string): string => {
  const at = new Date(iso)
  return `${MONTHS[at.getMonth()]} ${at.getDate()}, ${at.getFullYear()}, ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** A whole number to its last digit: `50,000`. */
export const formatWhole = (count: number): string => group(String(count))
