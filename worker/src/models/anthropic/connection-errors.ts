/** What can be told from a connection that failed. Node puts the real error at the end of a chain of causes. */

/** The system's name for what broke, like ECONNRESET. */
export function toCode(error: unknown): string | null {
  return toChain(error).findLast(({ code }) => typeof code === 'string')?.code ?? null
}

/** The request can't have left: no address, no connection, no trust. Nothing can have been billed then. */
export function wasNeverConnected(error: unknown): boolean {
  return toChain(error).some(
    ({ syscall, code }) =>
      syscall === 'connect' ||
      syscall === 'getaddrinfo' ||
      (code !== undefined && /^UND_ERR_CONNECT_TIMEOUT$|CERT|ERR_TLS|UNABLE_TO_VERIFY/.test(code)),
  )
}

type SystemError = Error & { code?: string; syscall?: string }

/** The error and all that caused it; of several addresses tried, the last. */
function toChain(error: unknown): SystemError[] {
  const chain: SystemError[] = []
  for (
    let at = error;
    at instanceof Error && !chain.includes(at);
    at = at instanceof AggregateError ? (at.errors.at(-1) as unknown) : at.cause
  )
    chain.push(at)
  return chain
}
