// pages/keys owns API keys: who may do what, until when. It must never keep a secret: one is shown once, and forgotten with the page.

export type KeyState = 'usable' | 'expired' | 'revoked'

export const toKeyState = (key: { expiresAt: string | null; revokedAt: string | null }, now: number): KeyState => {
  if (key.revokedAt !== null) return 'revoked'
  return key.expiresAt !== null && Date.parse(key.expiresAt) <= now ? 'expired' : 'usable'
}

export const LIFETIMES = [
  { value: '', label: 'Never' },
  { value: '1', label: 'In a day' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'date', label: 'At the end of a day …' },
] as const

const DAY_MS = 86_400_000

/** When a key ends, as the API takes it: so many days from now, or the end of a day where the person is. */
export const toExpiry = ({ lifetime, date }: { lifetime: string; date: string }, now: number): string | null => {
  if (lifetime === '') return null
  if (lifetime !== 'date') return new Date(now + Number(lifetime) * DAY_MS).toISOString()
  const end = new Date(`${date}T23:59:59`)
  return Number.isNaN(end.getTime()) ? null : end.toISOString()
}
