// api/ owns how the console reaches the platform: one HTTP client, one socket, the key of this tab, and the API's errors in words.
// It must never know a page, nor keep anything beyond the tab's session.

const NAME = 'longhaul.key'

/** The key lives as long as the tab: neither another tab nor the next start of the browser finds it. */
export const keptKey = {
  read: (): string | null => sessionStorage.getItem(NAME),
  write: (key: string): void => sessionStorage.setItem(NAME, key),
  forget: (): void => sessionStorage.removeItem(NAME),
}
