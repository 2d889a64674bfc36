// Installs Debian packages. Every caller has said what and has been allowed to.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { hasCommand } from './parts.ts'

/** The command that installs packages here, or undefined where there is none we know or no right to use it. */
export function findInstaller(): string[] | undefined {
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version') || !hasCommand('apt-get')) return undefined
  if (userInfo().uid === 0) return ['apt-get']
  return hasCommand('sudo') ? ['sudo', 'apt-get'] : undefined
}

/** Resolves when they are installed; rejects with apt's last lines. `onProgress` hears a line every few seconds. */
export async function installPackages(installer: string[], packages: string[], onProgress: (line: string) => void): Promise<void> {
  // A stale list fails with 404s; a machine that was never updated has none.
  await apt([...installer, 'update', '-q'], 'reading the lists of packages', onProgress)
  await apt([...installer, 'install', '-y', '-q', '--no-install-recommends', ...packages], `installing ${packages.join(', ')}`, onProgress)
}

function apt([command = '', ...args]: string[], what: string, onProgress: (line: string) => void): Promise<void> {
  const started = Date.now()
  onProgress(what)
  const ticker = setInterval(() => onProgress(`${what} … ${Math.round((Date.now() - started) / 1000)} s`), 3_000)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const child = spawn(command, args, { env, stdio: ['inherit', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (code) => {
      clearInterval(ticker)
      if (code === 0) done()
      else fail(new Error(`${command} ${args[0]} ended with ${code}:\n${output.trim().split('\n').slice(-8).join('\n')}`))
    })
  })
}
