/** Null for what is no address of a git repository that the platform clones: https, no credentials, no query. */
export const parseGitUrl = (text: string): URL | null => {
  // Before parsing: URL would quietly drop tabs and line breaks.
  if (!/^https:\/\/[\x21-\x7e]+$/.test(text) || text.length > 2_000) return null
  const url = URL.parse(text)
  if (!url || url.username || url.password || url.search || url.hash || url.hostname === '') return null
  return url
}

/** A branch, tag or commit, by git's own rules for names (git check-ref-format). */
export const isGitRef = (ref: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  ref.length > 0 && ref.length <= 250 && !/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^[-/.]|\/$|\.$|\.lock(\/|$)|\/\./.test(ref)
