// Payloads are JSON of a versioned shape, written by this or another release: each field is looked at before it is believed.

export type Fields = Record<string, unknown>

export const toFields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

export const toText = (value: unknown): string => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '')

export const toCount = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)

export const toList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
