// What a machine needs beyond npm's packages, and whether it is here: the one list that `npm test`, `npm run setup` and `npm start`
// read.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { answersEngine } from './engine.ts'

export type Part = {
  name: string
  /** What of Longhaul needs it. */
  neededBy: string
  /** Debian's packages that bring it. */
  packages: string[]
  isHere(): Promise<boolean>
}

export const parts: Part[] = [
  { name: 'Docker engine', neededBy: 'sandboxes', packages: ['docker.io', 'iptables'], isHere: answersEngine },
  // Where no registry can be reached the sandbox image is made from Debian's packages.
  {
    name: 'mmdebstrap',
    neededBy: 'the sandbox image',
    packages: ['mmdebstrap', 'debian-archive-keyring', 'ca-certificates'],
    isHere: command('mmdebstrap'),
  },
  { name: 'redis-server', neededBy: 'tests of the queue on Redis', packages: ['redis-server'], isHere: command('redis-server') },
  { name: 'git', neededBy: 'resources from git', packages: ['git'], isHere: command('git') },
  // Its fonts are recommended, and not installed, by its package.
  { name: 'chromium', neededBy: 'tests of the console', packages: ['chromium', 'fonts-dejavu-core'], isHere: command('chromium') },
  { name: 'ripgrep', neededBy: 'tests of sandboxes without Docker', packages: ['ripgrep'], isHere: command('rg') },
]

export async function findMissing(wanted: Part[] = parts): Promise<Part[]> {
  const here = await Promise.all(wanted.map((part) => part.isHere()))
  return wanted.filter((_, index) => !here[index])
}

export function hasCommand(name: string): boolean {
  // Debian keeps dockerd in sbin, which is not on the PATH of everybody.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => existsSync(join(folder, name)))
}

function command(name: string): () => Promise<boolean> {
  return async () => hasCommand(name)
}
