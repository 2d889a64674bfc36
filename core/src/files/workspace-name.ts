import { badInput } from '../errors.ts'

/** Of a whole path below the workspace, and of each name in it: what common file systems take. */
const MAX_PATH_BYTES = 1_024
const MAX_NAME_BYTES = 255

/** Control characters, and what stands for bytes that were no UTF-8: no reader of a list should have to guess what they are. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\x00-\x1f\x7f\ufffd]/

/** Why a path below the workspace, given as its names, can't be one of a person's files; null where it can. */
export const findFaultOfNames = (names: readonly string[]): string | null => {
  if (names.some((name) => name === '' || name === '.' || name === '..')) return 'without empty names, . and ..'
  if (names.some((name) => name.includes('/') || UNPRINTABLE.test(name) || !name.isWellFormed()))
    return 'UTF-8 without control characters and encoded slashes'
  if (names.some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES) || Buffer.byteLength(names.join('/')) > MAX_PATH_BYTES)
    return `at most ${MAX_PATH_BYTES} bytes long, each name at most ${MAX_NAME_BYTES}`
  return null
}

/** `a/b` or `/workspace/a/b` as its names; none is the workspace itself. Throws BAD_USER_INPUT for what is no clean path below it. */
export const parseWorkspaceNames = (path: string, field: string): string[] => {
  const below = path.replace(/^\/workspace(\/|$)/, '').replace(/\/$/, '')
  const names = below === '' ? [] : below.split('/')
  const fault = findFaultOfNames(names)
  if (fault !== null) throw badInput(field, `a path below /workspace, ${fault}`)
  return names
}
