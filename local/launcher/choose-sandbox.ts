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

/** What has to be done before an engine answers; decided first, because a question needs the terminal to itself. */
export type EnginePlan =
  | { step: 'none' }
  | { step: 'start' }
  | { step: 'install'; installer: string[]; packages: string[] }
  | { step: 'do without'; why: string }

export async function planEngine({ screen, install, mayAsk }: { screen: Screen; install: boolean; mayAsk: boolean }): Promise<EnginePlan> {
  const without = (why: string): EnginePlan => ({ step: 'do without', why })
  if (process.env.SANDBOX === 'process') return without('SANDBOX=process is set')
  if (await answersEngine()) return { step: 'none' }
  if (process.env.DOCKER_HOST) return without(`no Docker engine answers at DOCKER_HOST=${process.env.DOCKER_HOST}`)
  const isRoot = process.getuid?.() === 0
  if (hasCommand('dockerd')) {
    if (isRoot) return { step: 'start' }
    if (existsSync('/var/run/docker.sock')) return without('this user may not use the Docker engine: join the group docker')
    return without('the Docker engine does not run: start it (sudo systemctl start docker)')
  }
  if (!install) return without('there is no Docker engine, and --no-install is set')
  const installer = findInstaller()
  if (!installer) return without('there is no Docker engine: install one (https://docs.docker.com/engine/install)')

  const wanted = await findMissing(parts.filter(({ name }) => name === 'Docker engine' || name === 'mmdebstrap'))
  const packages = wanted.flatMap((part) => part.packages)
  const command = `${installer.join(' ')} install ${packages.join(' ')}`
  if (mayAsk) {
    const allowed = await ask(`There is no Docker engine for sandboxes. May this be run? ${command} [Y/n] `)
    if (!allowed) return without('there is no Docker engine, and it was not to be installed')
  } else if (isRoot) screen.say(`There is no Docker engine for sandboxes, so this is run now: ${command}`)
  else return without('there is no Docker engine: `npm run setup` installs one')
  return { step: 'install', installer, packages }
}

/** Carries the plan out and builds the image. What fails on the way is no reason not to start: it is the reason that the warning gives. */
export async function chooseSandbox(plan: EnginePlan, { dataDir, screen }: { dataDir: string; screen: Screen }): Promise<ChosenSandbox> {
  if (plan.step === 'do without') return { kind: 'process', why: plan.why }
  const logFile = join(dataDir, 'logs', 'dockerd.log')
  try {
    if (plan.step === 'install')
      await screen.step('installing a Docker engine', (onProgress) => installPackages(plan.installer, plan.packages, onProgress))
    // A package's service may have started it already.
    if (plan.step !== 'none' && !(await answersEngine())) {
      const answers = await screen.step('Docker engine', (onProgress) => startEngine({ logFile, onProgress }))
      if (!answers) return { kind: 'process', why: `the Docker engine does not start: see ${logFile}` }
    }
    const image = await screen.step('sandbox image', async (onProgress) => {
      const { default: Docker } = await import('dockerode')
      return ensureSandboxImage({ docker: new Docker(), onProgress })
    })
    return { kind: 'docker', image }
  } catch (error) {
    return { kind: 'process', why: error instanceof Error ? error.message : String(error) }
  }
}

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(question)
  terminal.close()
  return !/^n/i.test(answer.trim())
}
