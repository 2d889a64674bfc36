/**
 * Globs under /workspace: `*` and `?` within a name, `**` any number of folders, `[a-z]`, `[!a-z]`, `{a,b}`; a leading dot is a character
 * like any other. A glob without any of these names a file, or a folder with all that is in it.
 *
 * Written here because a tenant's pattern must not be able to take long: Node's `path.matchesGlob` (and what it is made of) compiles to
 * backtracking regular expressions, and skips names that begin with a dot. This takes at most name × pattern steps a segment.
 */
export const matchGlob = (glob: string, path: string): boolean => compile(glob).some((segments) => matchSegments(segments, path.split('/')))

/** A part of a name: a literal character, any one, any run, or one of a set. */
type Part =
  | { kind: 'char'; char: string }
  | { kind: 'one' }
  | { kind: 'run' }
  | { kind: 'set'; negated: boolean; ranges: [string, string][] }
type Segment = 'folders' | Part[]

const maxAlternatives = 128
const maxCompiled = 1_000
const compiled = new Map<string, Segment[][]>()

const compile = (glob: string): Segment[][] => {
  const known = compiled.get(glob)
  if (known) return known
  if (compiled.size >= maxCompiled) compiled.clear()
  const literal = !/[*?[\]{}]/.test(glob)
  const alternatives = expandBraces(glob).map((alternative) =>
    alternative
      .split('/')
      .filter((name) => name !== '' && name !== '.')
      .map(toSegment),
  )
  const result = literal ? alternatives.map((segments) => [...segments, 'folders' as const]) : alternatives
  compiled.set(glob, result)
  return result
}

/** `a{b,c}d` is `abd` and `acd`. Without a comma or a closing brace they are characters; so are all beyond the cap. */
const expandBraces = (glob: string): string[] => {
  let results = [glob]
  for (let expanded = true; expanded; ) {
    expanded = false
    const next: string[] = []
    for (const text of results) {
      const match = /\{([^{}]*,[^{}]*)\}/.exec(text)
      const choices = match?.[1]?.split(',')
      if (!match || !choices || next.length + choices.length > maxAlternatives) next.push(text)
      else {
        expanded = true
        for (const choice of choices) next.push(text.slice(0, match.index) + choice + text.slice(match.index + match[0].length))
      }
    }
    results = next
    if (results.length >= maxAlternatives) break
  }
  return results
}

const toSegment = (text: string): Segment => {
  if (text === '**') return 'folders'
  const chars = [...text]
  const parts: Part[] = []
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? ''
    const set = char === '[' ? parseSet(chars, at) : null
    if (set) {
      parts.push(set.part)
      at = set.end
    } else if (char === '*') {
      if (parts.at(-1)?.kind !== 'run') parts.push({ kind: 'run' })
    } else parts.push(char === '?' ? { kind: 'one' } : { kind: 'char', char })
  }
  return parts
}

/** Null where the bracket is never closed: then it is a character. */
const parseSet = (chars: string[], start: number): { part: Part; end: number } | null => {
  const negated = chars[start + 1] === '!' || chars[start + 1] === '^'
  const first = start + (negated ? 2 : 1)
  const end = chars.indexOf(']', first + 1)
  if (end === -1) return null
  const ranges: [string, string][] = []
  for (let at = first; at < end; at++) {
    const from = chars[at] ?? ''
    const isRange = chars[at + 1] === '-' && at + 2 < end
    ranges.push([from, (isRange ? chars[at + 2] : from) ?? from])
    if (isRange) at += 2
  }
  return { part: { kind: 'set', negated, ranges }, end }
}

/** The last `**` is tried with more and more names: an earlier one never has to take more, for whatever the later could take it can too. */
const matchSegments = (segments: Segment[], names: string[]): boolean =>
  matchWithRuns(
    segments,
    names,
    (segment) => segment === 'folders',
    (segment, name) => segment !== 'folders' && matchName(segment, name),
  )

const matchName = (parts: Part[], name: string): boolean => matchWithRuns(parts, [...name], (part) => part.kind === 'run', matchChar)

const matchChar = (part: Part, char: string): boolean => {
  if (part.kind === 'char') return part.char === char
  if (part.kind === 'set') return part.ranges.some(([from, to]) => from <= char && char <= to) !== part.negated
  return part.kind === 'one'
}

const matchWithRuns = <P, I>(pattern: P[], items: I[], isRun: (part: P) => boolean, fits: (part: P, item: I) => boolean): boolean => {
  let p = 0
  let i = 0
  let runAt = -1
  let runFrom = 0
  while (i < items.length) {
    const part = pattern[p]
    if (part !== undefined && isRun(part)) {
      runAt = p++
      runFrom = i
    } else if (part !== undefined && fits(part, items[i] as I)) {
      p++
      i++
    } else if (runAt !== -1) {
      p = runAt + 1
      i = ++runFrom
    } else return false
  }
  // A run at the end may be empty: `a/**` fits `a` too, so that replacing the folder by a link is a change.
  while (p < pattern.length && isRun(pattern[p] as P)) p++
  return p === pattern.length
}
