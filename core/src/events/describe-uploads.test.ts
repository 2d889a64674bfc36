import { expect, test } from 'vitest'
import { buildContext, findUnreadUploads } from './build-context.ts'
import type { LogEvent } from './event.ts'

const at = new Date(0)
const common = { threadId: 'thr_1', actor: 'key_1', costNanos: null, createdAt: at }
const upload = (seq: number, path: string, kind: 'file' | 'folder' = 'file'): LogEvent => ({
  ...common,
  seq,
  type: 'user.upload',
  payload: { v: 1, path, kind, files: kind === 'file' ? 1 : 3, sizeBytes: 12, storedBytes: 12, digest: 'd' },
})
const read = (seq: number, seqs: number[]): LogEvent => ({ ...common, seq, type: 'user.upload_read', payload: { v: 1, turnId: 't', seqs } })

test('what people put in enters the context where it was read, and not where it came', () => {
  const events = [upload(1, 'data/a.csv'), upload(2, 'tree', 'folder'), read(3, [1, 2]), upload(4, 'late')]
  expect(findUnreadUploads(events)).toEqual([4])
  expect(buildContext(events)).toEqual([
    {
      role: 'user',
      content: [
        {
          type: 'text',
          text: 'A person put files into your workspace. They are there before your next tool call:\n- /workspace/data/a.csv (12 bytes)\n- /workspace/tree/ (a folder: 3 files, 12 bytes)',
        },
      ],
    },
  ])
})

test('a long list is cut, and what could not be put in is told with its reason', () => {
  const many = Array.from({ length: 60 }, (_, index) => upload(index + 1, `f${index}`))
  const refused: LogEvent = {
    ...common,
    seq: 62,
    type: 'user.upload_placed',
    payload: { v: 1, turnId: 't', seqs: [2], refused: [{ seq: 1, reason: '/workspace/f0 is a folder' }] },
  }
  const context = JSON.stringify(
    buildContext([
      ...many,
      read(
        61,
        many.map(({ seq }) => seq),
      ),
      refused,
    ]),
  )
  expect(context).toContain('- and 10 more')
  expect(context).not.toContain('f55')
  expect(context).toContain('could not be put into your workspace:\\n- /workspace/f0: /workspace/f0 is a folder')
})
