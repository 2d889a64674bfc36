import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { packArchive, type TarWriter } from '@longhaul/core/src/archives/pack-archive.ts'
import { expect, test } from 'vitest'
import { DockerProvider } from '../sandboxes/docker/docker-provider.ts'
import { createDocker } from '../sandboxes/docker/engine.ts'
import { GitCloneError } from '../sandboxes/git/git-source.ts'
import { prepareWorkspace } from './prepare-workspace.ts'

const image = process.env.SANDBOX_IMAGE ?? 'longhaul-sandbox:latest'
const signal = new AbortController().signal
const git = (path: string) => ({ kind: 'GIT' as const, path, url: 'https://git.example/project', commit: 'a'.repeat(40) })
const file = (path: string, content: string) => ({ kind: 'FILE' as const, path, content: Buffer.from(content) })

/** A real sandbox, and repositories that hold what `fill` writes: what a clone gives is tested with the clones. */
const inSandbox = async (
  fill: (out: TarWriter) => Promise<void>,
  use: (
    prepare: (resources: Parameters<typeof prepareWorkspace>[1]) => Promise<void>,
    run: (script: string) => Promise<string>,
  ) => Promise<void>,
) => {
  const provider = new DockerProvider({
    docker: createDocker(),
    instance: `prepare-${process.pid}`,
    git: { image, allowedPrivateHosts: [], caFile: null },
  })
  const sessionId = `ses_${randomUUID().replaceAll('-', '')}`
  const { sandbox } = await provider.open(
    { tenantId: 't', sessionId, image, cpus: 1, memoryMb: 256, diskMb: 512 },
    { epoch: 1, filledId: null, signal },
  )
  let callNo = 0
  try {
    await use(
      (resources) =>
        prepareWorkspace(
          { provider: { cloneGit: async (): Promise<Readable> => packArchive(fill) }, sandbox, tenantId: 't', sessionId, signal },
          resources,
        ),
      async (script) => (await sandbox.run({ callNo: ++callNo, script, timeoutMs: 20_000, maxOutputBytes: 10_000 }, signal)).output,
    )
  } finally {
    await sandbox.detach()
    await provider.remove(sessionId)
  }
}

const project = async (out: TarWriter) => {
  await out.write({ name: 'repository', type: 'directory', mode: 0o755 })
  await out.write({ name: 'repository/run.sh', type: 'file', mode: 0o755 }, Buffer.from('echo ran\n'))
  await out.write({ name: 'repository/src', type: 'directory', mode: 0o755 })
  await out.write({ name: 'repository/src/a', type: 'file', mode: 0o644 }, Buffer.from('from git\n'))
  await out.write({ name: 'repository/link', type: 'symlink', linkname: 'src/a', mode: 0o777 })
  await out.write({ name: 'repository/pipe', type: 'fifo', mode: 0o666 })
}

test('files and repositories come in order, belong to the agent and keep their modes; nothing else comes', {
  timeout: 60_000,
}, async () => {
  await inSandbox(project, async (prepare, run) => {
    await prepare([git('/workspace/app'), file('/workspace/app/src/a', 'over it\n'), file('deep/er/b.bin', 'ä\n')])
    expect(
      await run(
        'cat app/src/a app/link deep/er/b.bin; sh app/run.sh; ls app; [ -x app/run.sh ] && echo x; find . ! -user agent; echo more >>deep/er/b.bin; touch deep/er/c && echo mine',
      ),
    ).toBe('over it\nover it\nä\nran\nlink\nrun.sh\nsrc\nx\nmine\n')
  })
})

test('a repository may take the whole workspace', { timeout: 60_000 }, async () => {
  await inSandbox(project, async (prepare, run) => {
    await prepare([git('/workspace'), file('/workspace/new', 'x')])
    expect(await run('ls; touch src/mine && echo ok')).toBe('link\nnew\nrun.sh\nsrc\nok\n')
  })
})

test('what leads out of the workspace is refused, whichever way, and nothing of it arrives', { timeout: 60_000 }, async () => {
  const evil = async (out: TarWriter) => {
    await out.write({ name: 'repository/link', type: 'symlink', linkname: '/run/longhaul', mode: 0o777 })
  }
  await inSandbox(evil, async (prepare, run) => {
    await expect(prepare([file('../etc/passwd', 'x')])).rejects.toThrow('leads out')
    await expect(prepare([file('/etc/passwd', 'x')])).rejects.toThrow('absolute')
    // The folder that the file needs takes the link's place.
    await prepare([git('app'), file('app/link/ready', 'x')])
    expect(await run('ls /run/longhaul; cat app/link/ready')).toBe('calls\nx')
    // A link in the place of that folder: what comes after would land behind it.
    await expect(prepare([file('app/link/a', 'x'), git('app'), file('app/link/ready', 'x')])).rejects.toThrow('below a link')
    expect(await run('ls /run/longhaul')).toBe('calls\n')
  })
})

test('what is wrong with a repository is said as it is', { timeout: 60_000 }, async () => {
  const failing = async () => {
    throw new GitCloneError('it could not be cloned')
  }
  await inSandbox(failing, async (prepare) => {
    await expect(prepare([file('a', 'x'), git('app')])).rejects.toThrow(GitCloneError)
  })
})
