// Whether a Docker engine answers, and how one is started where there is no service manager to do it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { request } from 'node:http'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** An engine that is there answers a ping in a few milliseconds. */
const PING_TIMEOUT_MS = 2_000
/** The first start makes networks and storage; it took 1 to 3 s where it worked. */
const START_TIMEOUT_MS = 30_000

/** Whether the engine DOCKER_HOST names (or the local one) answers. */
export function answersEngine(host = process.env.DOCKER_HOST ?? ''): Promise<boolean> {
  const { hostname, port } = host.startsWith('tcp://') ? new URL(host) : { hostname: '', port: '' }
  const socketPath =
    process.platform === 'win32' ? '//./pipe/docker_engine' : host.startsWith('unix://') ? host.slice(7) : '/var/run/docker.sock'
  const target = hostname ? { host: hostname, port: port || 2375 } : { socketPath }
  return new Promise((done) => {
    const asked = request({ ...target, path: '/_ping', timeout: PING_TIMEOUT_MS }, (answer) => {
      answer.resume()
      done(answer.statusCode === 200)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => done(false))
    asked.end()
  })
}

/**
 * Starts `dockerd` and leaves it running after us, like a service. True when it answers; its log is in `logFile`.
 * systemd's unit is used where systemd runs.
 */
export async function startEngine({ logFile, onProgress }: { logFile: string; onProgress: (line: string) => void }): Promise<boolean> {
  onProgress('starting the Docker engine')
  if (existsSync('/run/systemd/system')) spawn('systemctl', ['start', 'docker'], { stdio: 'ignore' }).on('error', () => {})
  else await spawnEngine(logFile, onProgress)
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    if (await answersEngine()) return true
    await sleep(100)
  }
  return false
}

async function spawnEngine(logFile: string, onProgress: (line: string) => void): Promise<void> {
  await mkdir(dirname(logFile), { recursive: true })
  const log = await open(logFile, 'a', 0o600)
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`
  const child = spawn('dockerd', ['--storage-driver', 'overlay2'], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, PATH },
  })
  child.on('error', (error) => onProgress(`dockerd does not start: ${error.message}`))
  child.on('exit', (code) => onProgress(`dockerd ended with ${code}: see ${logFile}`))
  child.unref()
  await log.close()
}
