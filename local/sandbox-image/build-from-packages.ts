import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { BuildOptions } from './build-from-registry.ts'
import { readAptSettings } from './read-apt-settings.ts'

/** Not of every machine's trusted keys: of Ubuntu's they are none. */
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** Debian's own slim images leave the same out; and an image that is half written when the power goes is made again. */
const dpkgOptions = [
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/info/*',
  'path-exclude=/usr/share/locale/*',
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'force-unsafe-io',
]

/** Null when built; else a sentence that says why not. Takes most of a minute on two cores. */
export const buildFromPackages = async ({ docker, name, onProgress }: BuildOptions): Promise<string | null> => {
  if (process.platform !== 'linux') return 'Building from Debian packages needs Linux.'
  if (process.getuid?.() !== 0) return 'Building from Debian packages needs root.'
  const root = await mkdtemp(join(tmpdir(), 'longhaul-image-'))
  try {
    await unpackDebian(root, onProgress)
    onProgress('sandbox image: adding Node.js and npm')
    await copyNode(root)
    await run('chroot', [root, 'sh', '-c', await readFile(new URL('set-up.sh', import.meta.url), 'utf8')])
    onProgress('sandbox image: handing it to the engine')
    const tar = spawn('tar', ['-C', root, '--numeric-owner', '-c', '.'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [repo, tag] = name.split(':')
    const changes = ['ENV PIP_BREAK_SYSTEM_PACKAGES=1', 'USER agent', 'WORKDIR /workspace', 'CMD ["bash"]']
    const answer = await docker.importImage(tar.stdout, { repo, tag, changes })
    for await (const chunk of answer)
      if (String(chunk).includes('"error"')) return `The engine refused the image: ${String(chunk).slice(0, 200)}`
    return null
  } catch (error) {
    return `Building from Debian packages failed: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

const unpackDebian = async (root: string, onProgress: (line: string) => void): Promise<void> => {
  const packages = (await readFile(new URL('packages.txt', import.meta.url), 'utf8')).trim().split('\n')
  const { mirror, proxy, checkValidUntil } = await readAptSettings()
  onProgress(`sandbox image: unpacking Debian from ${mirror}`)
  const env = proxy ? { ...process.env, http_proxy: proxy } : process.env
  const options = [...dpkgOptions.map((option) => `--dpkgopt=${option}`), `--keyring=${keyring}`, `--include=${packages.join(',')}`]
  if (!checkValidUntil) options.push('--aptopt=Acquire::Check-Valid-Until "false"')
  const args = ['--mode=root', '--variant=minbase', '--format=directory', ...options, 'bookworm', root, mirror]
  await run('mmdebstrap', args, env, (line) => {
    if (/^I: (downloading|extracting|installing)/.test(line)) onProgress(`sandbox image: ${line.slice(3)}`)
  })
}

/** Debian 12's own Node is past its end of life; the one that runs us was made for the same architecture and an older libc. */
const copyNode = async (root: string): Promise<void> => {
  await cp(await realpath(process.execPath), join(root, 'usr/local/bin/node'))
  await cp(await findNpm(), join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
  const links = 'cd /usr/local/bin && ln -s ../lib/node_modules/npm/bin/npm-cli.js npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js npx'
  await run('chroot', [root, 'sh', '-c', `${links} && chown -R 0:0 /usr/local && chmod -R go=u-w /usr/local`])
}

const findNpm = async (): Promise<string> => {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const npm = await realpath(join(folder, 'npm')).catch(() => null)
    if (npm?.endsWith('bin/npm-cli.js')) return dirname(dirname(npm))
  }
  throw new Error('npm was not found on PATH')
}

/** Rejects with the command's last lines when it fails. */
const run = async (
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  onLine: (line: string) => void = () => {},
): Promise<void> => {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const last: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      last.push(line)
      if (last.length > 5) last.shift()
      onLine(line)
    })
  }
  const [code] = await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? `${command} is not installed (apt-get install ${command})` : error.message, { cause: error })
  })
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${last.join(' | ').slice(0, 500)}`)
}
