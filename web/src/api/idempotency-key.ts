/** Names one wish, so that sending it twice grants it once. Works on pages without TLS too, where `randomUUID` is not offered. */
export const makeIdempotencyKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
