/** Ids: opaque, prefixed, time-ordered. A UUIDv7's 128 bits in 26 lower-case Crockford base32 digits, so that they sort as they were made. */
import { randomBytes } from 'node:crypto'

export const ID_PREFIXES = [
  'tnt',
  'key',
  'agt',
  'agv',
  'env',
  'evv',
  'ses',
  'thr',
  'trn',
  'ckp',
  'cnd',
  'evl',
  'apr',
  'bgt',
  'rsv',
  'snp',
  'wrk',
  'flk',
  'bld',
  'upl',
  'dwn',
] as const
export type IdPrefix = (typeof ID_PREFIXES)[number]

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

export const createId = (prefix: IdPrefix): string => `${prefix}_${toBase32(createUuidV7())}`

/** Ids made within one millisecond still sort as they were made within this process. */
let lastMs = 0
let sequence = 0

const createUuidV7 = (): bigint => {
  const now = Date.now()
  if (now > lastMs) {
    lastMs = now
    sequence = randomBytes(2).readUInt16BE() & 0x7ff
  } else {
    sequence++
    if (sequence > 0xfff) {
      lastMs++
      sequence = 0
    }
  }
  const random = randomBytes(8).readBigUInt64BE() & 0x3fffffffffffffffn
  return (BigInt(lastMs) << 80n) | (0x7n << 76n) | (BigInt(sequence) << 64n) | (0x2n << 62n) | random
}

const toBase32 = (value: bigint): string => {
  let text = ''
  let rest = value
  for (let digit = 0; digit < 26; digit++) {
    text = ALPHABET[Number(rest & 31n)] + text
    rest >>= 5n
  }
  return text
}
