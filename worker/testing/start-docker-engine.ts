import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Docker from 'dockerode'

const run = promisify(execFile)

export type DockerEngine = {
  /** As in DOCKER_HOST. */
  host: string
  docker: Docker
  /** Stops the daemon, and starts it again on what it had. */
  restart(): Promise<void>
  /** Stops the daemon, which takes its containers with it, for good. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/**
 * A Docker daemon of the test's own, beside the machine's and with nothing in common but the kernel. Needs root,
 * `dockerd` and `unshare`. Containers in it have no network, and die with it (no live-restore, as daemons are by default).
 */
export const startDockerEngine = async ({ image }: { image: string }): Promise<DockerEngine> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'longhaul-engine-'))
  // Where the machine's engine stacks its layers, this one can too: on the layered disk of a container it would copy each of them whole.
  const { DockerRootDir } = (await new Docker().info()) as { DockerRootDir: string }
  const data = await mkdtemp(path.join(DockerRootDir, 'longhaul-engine-'))
  const socket = path.join(folder, 'docker.sock')
  const host = `unix://${socket}`
  const docker = new Docker({ socketPath: socket })
  let daemon = await launch(folder, { data, host, docker })
  const end = async (): Promise<void> => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) return
    const exited = once(daemon, 'exit')
    daemon.kill('SIGTERM')
    await exited
  }
  const stop = async (): Promise<void> => {
    await end()
    await rm(folder, { recursive: true, force: true })
    await rm(data, { recursive: true, force: true })
  }
  try {
    const loading = await docker.loadImage(await new Docker().getImage(image).get())
    await finished(loading.resume())
  } catch (error) {
    await stop()
    throw error
  }
  return {
    host,
    docker,
    restart: async () => {
      await end()
      daemon = await launch(folder, { data, host, docker })
    },
    kill: end,
    stop,
  }
}

const launch = async (folder: string, { data, host, docker }: { data: string; host: string; docker: Docker }): Promise<ChildProcess> => {
  const log = path.join(folder, 'dockerd.log')
  const places = ['--data-root', data, '--exec-root', path.join(folder, 'exec'), '--pidfile', path.join(folder, 'pid')]
  const settings = path.join(folder, 'daemon.json')
  await writeFile(settings, JSON.stringify((await keepsKeyOutside()) ? { 'deprecated-key-path': path.join(folder, 'key.json') } : {}))
  const apart = ['--containerd-namespace', path.basename(folder), '--containerd-plugins-namespace', `${path.basename(folder)}-plugins`]
  // In a network of its own: a daemon without a bridge takes the machine's docker0 away when it starts.
  const daemon = spawn(
    'unshare',
    ['--net', 'dockerd', '--config-file', settings, ...places, ...apart, '-H', host, '--bridge=none', '--iptables=false'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const written = createWriteStream(log, { flags: 'a' })
  daemon.stdout?.pipe(written, { end: false })
  daemon.stderr?.pipe(written, { end: false })
  const failed = Promise.race([once(daemon, 'error'), once(daemon, 'exit')]).then(() => {
    throw new Error(`a dockerd of the test's own did not start: see ${log}`)
  })
  await Promise.race([answers(docker), failed])
  return daemon
}

/** Releases before 23 keep the engine's id beside the machine's settings: all daemons of a machine would share it. */
const keepsKeyOutside = async (): Promise<boolean> => / version (1|2[0-2])\./.test((await run('dockerd', ['--version'])).stdout)

const answers = async (docker: Docker): Promise<void> => {
  for (;;) {
    try {
      await docker.ping()
      return
    } catch {
      await sleep(50)
    }
  }
}
