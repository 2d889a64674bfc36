import { sortManifest } from '@longhaul/core/src/conditions/manifest.ts'
import { z } from 'zod'
import type { WorkspaceCopy } from './copy-workspace.ts'

const MAX_LISTED = 500
const MAX_READ_LENGTH = 32_000
const MAX_FILE_BYTES = 5 * 1024 * 1024
/** Characters that one judge may look at in all. */
const MAX_SHOWN = 400_000

const listInput = z.strictObject({ path: z.string().max(4_096).default(''), after: z.string().max(4_096).optional() })
const readInput = z.strictObject({ path: z.string().min(1).max(4_096), from_line: z.int().min(1).default(1) })

export type ToolAnswer = { text: string; isError: boolean }

/** What a judge may look at: the copy, and nothing else. Every answer is bounded, and so is their sum. */
export type JudgeTools = {
  list(input: unknown): ToolAnswer
  read(input: unknown): Promise<ToolAnswer>
}

export const createJudgeTools = (copy: WorkspaceCopy): JudgeTools => {
  const entries = sortManifest(copy.manifest)
  let shown = 0
  const show = (text: string): ToolAnswer => {
    shown += text.length
    return shown > MAX_SHOWN
      ? refuse('You have looked at as much as there is room for. Give your verdict now, by what you have seen.')
      : { text, isError: false }
  }

  return {
    list(input) {
      const parsed = listInput.safeParse(input)
      if (!parsed.success) return refuse(describeIssues(parsed.error))
      const folder = toRelative(parsed.data.path)
      const after = parsed.data.after === undefined ? null : toRelative(parsed.data.after)
      const found = entries.filter(
        ({ path }) => (folder === '' || path === folder || path.startsWith(`${folder}/`)) && (after === null || path > after),
      )
      const lines = found
        .slice(0, MAX_LISTED)
        .map(
          ({ path, kind, sizeBytes, content }) =>
            `${JSON.stringify(path)} ${kind} ${kind === 'LINK' ? `to ${JSON.stringify(content)}` : sizeBytes}`,
        )
      if (found.length > MAX_LISTED) lines.push(`(${found.length - MAX_LISTED} more)`)
      return show(lines.length > 0 ? lines.join('\n') : '(nothing)')
    },

    async read(input) {
      const parsed = readInput.safeParse(input)
      if (!parsed.success) return refuse(describeIssues(parsed.error))
      const path = toRelative(parsed.data.path)
      const entry = entries.find((item) => item.path === path)
      if (entry === undefined) return refuse(`There is no ${JSON.stringify(path)}.`)
      if (entry.kind !== 'FILE') return refuse(`${JSON.stringify(path)} is no regular file but a ${entry.kind.toLowerCase()}.`)
      if (entry.sizeBytes > MAX_FILE_BYTES)
        return refuse(`${JSON.stringify(path)} has ${entry.sizeBytes} bytes, which is too much to read.`)
      const bytes = await copy.readFile(path, MAX_FILE_BYTES)
      if (bytes.includes(0)) return refuse(`${JSON.stringify(path)} is binary.`)
      return show(cutLines(bytes.toString('utf8'), parsed.data.from_line))
    },
  }
}

const cutLines = (text: string, fromLine: number): string => {
  const lines = text.split('\n').slice(fromLine - 1)
  const rest = lines.join('\n')
  if (rest.length <= MAX_READ_LENGTH) return rest
  const shown = rest.slice(0, MAX_READ_LENGTH).toWellFormed()
  return `${shown}\n(cut here; go on from line ${fromLine + shown.split('\n').length - 1})`
}

const toRelative = (path: string): string =>
  path
    .replace(/^\/workspace(?=\/|$)/, '')
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/')

const describeIssues = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`).join('; ')

const refuse = (text: string): ToolAnswer => ({ text, isError: true })
