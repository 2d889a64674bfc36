import { type ComponentType, lazy } from 'react'

const WAIT_MS = 400
/** An address that was loaded anew for this less than so long ago is not loaded anew again: it would never end. */
const ONCE_IN_MS = 30_000
const NAME = 'longhaul.loaded-anew'

/**
 * A page's code, fetched when it is first shown, and again when the connection broke meanwhile. A console that was updated under an open tab
 * has other files by now: the tab is loaded anew, at the address that was asked for.
 */
export const loadPage = <P extends object>(load: () => Promise<ComponentType<P>>) =>
  lazy(async () => ({
    default: await load()
      .catch(() => new Promise((resolve) => setTimeout(resolve, WAIT_MS)).then(load))
      .catch(async (error: unknown) => {
        const before = Number(sessionStorage.getItem(NAME))
        if (Date.now() - before < ONCE_IN_MS || !(await isServed())) throw error
        sessionStorage.setItem(NAME, String(Date.now()))
        location.reload()
        return new Promise<never>(() => {}) // until the new page takes over
      }),
  }))

const isServed = (): Promise<boolean> =>
  fetch('/', { cache: 'no-store', headers: { accept: 'text/html' } }).then(
    ({ ok }) => ok,
    () => false,
  )
