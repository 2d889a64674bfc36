import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const SHAPE = /^(lh_[0-9a-hjkmnp-tv-z]{10})_([0-9a-hjkmnp-tv-z]{52})([0-9a-hjkmnp-tv-z]{7})$/

export type NewApiKey = {
  /** Shown once. */
  secret: string
  /** Stored readable: finds the key. */
  prefix: string
  /** Stored instead of the secret. */
  hash: string
}

/** `lh_<10>_<52><7>`: where it is found, 256 random bits, and a checksum that tells a mistyped key from a wrong one without a query. */
export const createApiKeySecret = (): NewApiKey => {
  const prefix = `lh_${toBase32(randomBytes(7)).slice(0, 10)}`
  const body = toBase32(randomBytes(33)).slice(0, 52)
  const secret = `${prefix}_${body}${checksum(`${prefix}_${body}`)}`
  return { secret, prefix, hash: hashApiKey(secret) }
}

/** SHA-256 is enough for a secret of 256 random bits; a slow hash protects short ones. */
export const hashApiKey = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** The prefix of a well-formed key; null for anything else. */
export const parseApiKey = (text: string): { prefix: string } | null => {
  const [, prefix, body, sum] = SHAPE.exec(text) ?? []
  if (prefix === undefined || body === undefined || sum !== checksum(`${prefix}_${body}`)) return null
  return { prefix }
}

const checksum = (text: string): string => {
  let rest = crc32(text)
  let digits = ''
  for (let digit = 0; digit < 7; digit++) {
    digits = ALPHABET[rest % 32] + digits
    rest = Math.floor(rest / 32)
  }
  return digits
}

/** Five bits a digit, from the front. */
const toBase32 = (bytes: Buffer): string => {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return text
}
