/** Passes a response's body on and tells of every chunk. Below the SDK, because pings and a line that never ends are not seen above it. */
export function watchBody(response: Response, onBytes: (bytes: number) => void): Response {
  if (!response.body) return response
  const watch = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      onBytes(chunk.byteLength)
      controller.enqueue(chunk)
    },
  })
  return new Response(response.body.pipeThrough(watch), {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
  })
}
