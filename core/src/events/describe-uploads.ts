import type { EventOf, LogEvent } from './event.ts'

/** A list that the agent reads is cut here: it can look for itself. */
const MAX_LISTED = 50

/** What people put into the workspace, as the agent is told of it once. */
export const describeUploads = (events: readonly LogEvent[], seqs: readonly number[]): string => {
  const uploads = seqs.flatMap((seq) => {
    const event = events.find((candidate): candidate is EventOf<'user.upload'> => candidate.seq === seq && candidate.type === 'user.upload')
    return event === undefined ? [] : [`- ${describe(event)}`]
  })
  const listed = uploads.slice(0, MAX_LISTED)
  const more = uploads.length > MAX_LISTED ? [`- and ${uploads.length - MAX_LISTED} more`] : []
  return ['A person put files into your workspace. They are there before your next tool call:', ...listed, ...more].join('\n')
}

/** What could not be put in, and why. */
export const describeRefused = (events: readonly LogEvent[], { payload }: EventOf<'user.upload_placed'>): string =>
  ['These files could not be put into your workspace:']
    .concat(
      payload.refused.slice(0, MAX_LISTED).map(({ seq, reason }) => {
        const event = events.find(
          (candidate): candidate is EventOf<'user.upload'> => candidate.seq === seq && candidate.type === 'user.upload',
        )
        return `- ${event === undefined ? `upload ${seq}` : toPath(event)}: ${reason}`
      }),
    )
    .join('\n')

const describe = (event: EventOf<'user.upload'>): string => {
  const { kind, files, sizeBytes } = event.payload
  return kind === 'file'
    ? `${toPath(event)} (${sizeBytes} bytes)`
    : `${toPath(event)}/ (a folder: ${files} ${files === 1 ? 'file' : 'files'}, ${sizeBytes} bytes)`
}

const toPath = ({ payload: { path } }: EventOf<'user.upload'>): string => (path === '' ? '/workspace' : `/workspace/${path}`)
