// Where tools will run on this machine: in Docker wherever an engine answers or can be had, else, with a warning, on the machine itself.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { answersEngine, startEngine } from '../machine/engine.ts'
import { findInstaller, installPackages } from '../machine/install-packages.ts'
import { findMissing, hasCommand, parts } from '../machine/parts.ts'
import { ensureSandboxImage } from '../sandbox-image/ensure-sandbox-image.ts'
import type { Screen } from './screen.ts'

export type ChosenSandbox = { kind: 'docker'; image: string } | { kind: 'process'; why: string }

type Asked = { dataDir: string; screen: Screen; install: boolean; mayAsk: boolean }

export async function chooseSandbox(asked: Asked): Promise<ChosenSandbox> {
  if (process.env.SANDBOX === 'process') return { kind: 'process', why: 'SANDBOX=process is set' }
  const missing = await ensureEngine(asked)
  if (missing) return { kind: 'process', why: missing }
  try {
    const image = await asked.screen.step('sandbox image', async (onProgress) => {
      const { default: Docker } = await import('dockerode')
      return ensureSandboxImage({ docker: new Docker(), onProgress })
    })
    return { kind: 'docker', image }
  } catch (error) {
    return { kind: 'process', why: error instanceof Error ? error.message : String(error) }
  }
}

/** Makes an engine answer if that can be done; otherwise says why not. */
async function ensureEngine({ dataDir, screen, install, mayAsk }: Asked): Promise<string | undefined> {
  if (await answersEngine()) return undefined
  if (process.env.DOCKER_HOST) return `no Docker engine answers at DOCKER_HOST=${process.env.DOCKER_HOST}`
  const isRoot = process.getuid?.() === 0
  if (!hasCommand('dockerd')) {
    const why = await installEngine({ screen, install, mayAsk })
    if (why) return why
  }
  if (existsSync('/var/run/docker.sock') && !isRoot) return 'this user may not use the Docker engine: join the group docker'
  if (!isRoot) return 'the Docker engine does not run: start it (sudo systemctl start docker)'
  const logFile = join(dataDir, 'logs', 'dockerd.log')
  const answers = await screen.step('Docker engine', (onProgress) => startEngine({ logFile, onProgress }))
  return answers ? undefined : `the Docker engine does not start: see ${logFile}`
}

async function installEngine({ screen, install, mayAsk }: Omit<Asked, 'dataDir'>): Promise<string | undefined> {
  if (!install) return 'there is no Docker engine, and --no-install is set'
  const installer = findInstaller()
  if (!installer) return 'there is no Docker engine: install one (https://docs.docker.com/engine/install)'
  const wanted = await findMissing(parts.filter(({ name }) => name === 'Docker engine' || name === 'debootstrap'))
  const packages = wanted.flatMap((part) => part.packages)
  const command = `${installer.join(' ')} install ${packages.join(' ')}`
  if (mayAsk) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    const answer = await terminal.question(`There is no Docker engine for sandboxes. May this be run? ${command} [Y/n] `)
    terminal.close()
    if (/^n/i.test(answer.trim())) return 'there is no Docker engine, and it was not to be installed'
  } else if (process.getuid?.() === 0) screen.say(`There is no Docker engine for sandboxes, so this is run now: ${command}`)
  else return 'there is no Docker engine: `npm run setup` installs one'
  try {
    await screen.step('installing a Docker engine', (onProgress) => installPackages(installer, packages, onProgress))
    return undefined
  } catch (error) {
    return `a Docker engine could not be installed: ${error instanceof Error ? error.message : String(error)}`
  }
}
