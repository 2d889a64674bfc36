import { packEntries } from '../pack-entries.ts'
import { agentUid } from './container-options.ts'

/** Calls' files: the agent's user may write here, and it can read its own long outputs here. */
export const callsFolder = '/run/longhaul/calls'

/** Root's own: what is lent to the agent's user lies here. */
export const lendingFolder = '/run/longhaul'

const agent = { uid: agentUid, gid: agentUid }
const root = { uid: 0, gid: 0 }

const folders = [
  { name: 'home/', owner: root },
  { name: 'home/agent/', owner: agent },
  { name: 'workspace/', owner: agent },
  { name: 'run/', owner: root },
  { name: 'run/longhaul/', owner: root },
  { name: 'run/longhaul/calls/', owner: agent },
]

/** The folders that any container must have, whatever its image: unpacked at `/` where they lack. The default image has them. */
export const skeleton = await packEntries(
  folders.map(({ name, owner }) => ({ header: { name, type: 'directory', mode: 0o755, ...owner } })),
)

export const packScript = (callNo: number, script: string): Promise<Buffer> =>
  packEntries([{ header: { name: `${callNo}.in`, mode: 0o400, ...agent }, content: script }])
