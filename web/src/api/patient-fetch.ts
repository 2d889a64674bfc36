/** How long a read that never arrived waits before it is sent again. */
const WAITS_MS = [150, 600, 1_500]

/**
 * `fetch` that sends a read again when the connection broke: on a machine whose networks change, as they do with each container that
 * comes and goes, browsers cut what is on its way. A mutation is sent once: whether it arrived nobody knows, and its sender is told.
 */
export const patientFetch: typeof fetch = async (input, init) => {
  for (const waitMs of isMutation(init?.body) ? [] : WAITS_MS) {
    try {
      return await fetch(input, init)
    } catch (error) {
      // Nobody waits for it any more, or it is no matter of the network.
      if (init?.signal?.aborted || !(error instanceof TypeError)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
  return fetch(input, init)
}

const isMutation = (body: unknown): boolean => {
  if (typeof body !== 'string') return true
  const { query } = JSON.parse(body) as { query?: string }
  return query === undefined || /^\s*mutation\b/m.test(query)
}
