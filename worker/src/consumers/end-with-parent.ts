/**
 * A child whose parent is gone ends by itself after so long, whatever it still waits for, such as a database that is away: what it could not
 * hand over by then is freed when its lease expires. To be called before anything is waited for: nobody hears the parent go twice.
 */
export const endWithParent = (afterMs: number): void => {
  const giveUp = (): void => {
    setTimeout(() => process.exit(1), afterMs).unref()
  }
  if (process.connected) process.once('disconnect', giveUp)
  else giveUp()
}
