const FIN_TEXT = 0x81
const BRACE = '}'.charCodeAt(0)

/**
 * One WebSocket frame as a server sends it (RFC 6455 §5.2: whole, text, not masked, not compressed) that holds `head`, then `payload`,
 * then a closing brace. One buffer, for one write: ws sends header and text as two, and `writev` is what fan-out then waits for.
 */
export const toTextFrame = (head: Buffer, payload: Buffer): Buffer => {
  const length = head.length + payload.length + 1
  const start = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = FIN_TEXT
  if (start === 2) frame[1] = length
  else if (start === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  head.copy(frame, start)
  payload.copy(frame, start + head.length)
  frame[start + length - 1] = BRACE
  return frame
}
