// local/compose owns the proof that the stack of docker-compose.yml survives what it promises. It acts as an operator would, through
// compose and the public API; it must never reach into a database to help a session along.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const FILES = ['-f', 'docker-compose.yml', '-f', 'docker/compose.demo.yml']
const LOOK_MS = 500

/** Compose v2 where it is, else Debian's. */
const compose = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0 ? ['docker', 'compose'] : ['docker-compose']

/** One installation: everything it makes carries the project's name. `env` is what a user would write into .env. */
export const openStack = ({ root, project, env }: { root: string; project: string; env: Record<string, string> }) => {
  const environment = { ...process.env, ...env }

  /** What the command printed; rejects with what it complained of. `into` is a file for it. */
  const run = async (command: string[], { into }: { into?: string } = {}): Promise<string> => {
    const child = spawn(command[0] ?? '', command.slice(1), { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let complaint = ''
    if (into === undefined) child.stdout.on('data', (chunk) => (out += String(chunk)))
    else child.stdout.pipe(createWriteStream(into))
    child.stderr.on('data', (chunk) => (complaint = (complaint + String(chunk)).slice(-3_000)))
    const [code] = (await once(child, 'close')) as [number]
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${complaint}`)
    return out.trim()
  }
  const composed = (...args: string[]) => run([...compose, '-p', project, ...FILES, ...args])
  /** Also of one that has ended. */
  const containerOf = async (service: string): Promise<string> => (await composed('ps', '-a', '-q', service)).split('\n')[0] ?? ''

  return {
    run,
    compose: composed,
    containerOf,
    /** Everything in the container dies as by `kill -9`, and nobody asked the engine to stop it: its restart policy brings it back. */
    crash: async (service: string): Promise<void> => {
      const id = await containerOf(service)
      const before = await run(['docker', 'inspect', '-f', '{{.RestartCount}}', id])
      // Whoever kills everybody may lose its own answer.
      await run(['docker', 'exec', '-u', '10002', id, 'sh', '-c', 'kill -9 -1']).catch(() => {})
      for (;;) {
        const state = await run(['docker', 'inspect', '-f', '{{.RestartCount}} {{.State.Running}}', id])
        if (state !== `${before} true` && state.endsWith(' true')) return
        await sleep(LOOK_MS)
      }
    },
  }
}

/** Asks again until `look` answers something, for so long. */
export const waitFor = async <T>(what: string, limitMs: number, look: () => Promise<T | null>): Promise<T> => {
  const deadline = Date.now() + limitMs
  let last: unknown = 'nothing yet'
  while (Date.now() < deadline) {
    try {
      const found = await look()
      if (found !== null) return found
    } catch (error) {
      last = error // while things are killed, some answers are errors
    }
    await sleep(LOOK_MS)
  }
  throw new Error(`${what}: not within ${limitMs / 1_000} s`, { cause: last })
}
