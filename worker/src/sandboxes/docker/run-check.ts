import type Docker from 'dockerode'
import type { Container, ContainerCreateOptions } from 'dockerode'
import { HeadAndTail } from '../runner/collect-output.ts'
import { type CheckResult, type CheckSpec, SandboxImageError } from '../sandbox.ts'
import { toContainerOptions } from './container-options.ts'
import { createContainer } from './create-sandbox.ts'
import { askEngine, statusOf } from './engine.ts'
import { assertOwnImage } from './resolve-image.ts'
import { runToEnd } from './run-to-end.ts'
import { skeleton } from './skeleton.ts'

const copyMs = 10 * 60_000

/**
 * Invariant 8: the command is the main process of a new container of the environment's image; the workspace is copied in before it
 * starts, nothing else of the agent's is there, and the exit code is the engine's word. Rejects only when `signal` aborts.
 */
export const runCheck = async (
  { docker, instance }: { docker: Docker; instance: string },
  spec: CheckSpec,
  signal: AbortSignal,
): Promise<CheckResult> => {
  const output = new HeadAndTail(spec.maxOutputBytes)
  const startedAt = performance.now()
  let container: Container | null = null
  const toResult = (rest: Pick<CheckResult, 'completed' | 'exitCode' | 'timedOut' | 'error'>): CheckResult => ({
    ...rest,
    output: output.toOutput().text,
    durationMs: Math.round(performance.now() - startedAt),
    isolated: true,
  })
  try {
    const options = toCheckOptions(spec, instance)
    container = docker.getContainer(
      spec.setUpImageId === null ? await createContainer(docker, options, signal) : await createFromSetUp(docker, options, spec),
    )
    await fill(container, spec)
    signal.throwIfAborted()
    const exitCode = await runToEnd(container, { timeoutMs: spec.timeoutMs, onOutput: (bytes) => output.add(bytes), signal })
    signal.throwIfAborted()
    return toResult({
      completed: exitCode !== null,
      exitCode,
      timedOut: exitCode === null,
      error: exitCode === null ? `It did not end within ${spec.timeoutMs} ms.` : null,
    })
  } catch (error) {
    signal.throwIfAborted()
    return toResult({ completed: false, exitCode: null, timedOut: false, error: toReason(error, spec.image) })
  } finally {
    // Labelled: should this fail or the process die, the reaper removes it.
    await container?.remove({ force: true, v: true }).catch(() => {})
  }
}

const createFromSetUp = async (docker: Docker, options: ContainerCreateOptions, { tenantId, setUpImageId }: CheckSpec): Promise<string> => {
  await assertOwnImage(docker, setUpImageId ?? '', { tenantId, kind: 'setup' })
  return (await askEngine((abortSignal) => docker.createContainer({ ...options, abortSignal }))).id
}

const toCheckOptions = (spec: CheckSpec, instance: string) => {
  // The same shell that the agent's commands get.
  const command = [
    'sh',
    '-c',
    'exec 2>&1; if command -v bash >/dev/null; then exec bash -c "$1"; else exec sh -c "$1"; fi',
    'check',
    spec.run,
  ]
  return toContainerOptions({ ...spec, image: spec.setUpImageId ?? spec.image, kind: 'check', instance, command })
}

const fill = async (container: Container, spec: CheckSpec): Promise<void> => {
  await askEngine((abortSignal) => container.putArchive(skeleton, { path: '/', abortSignal }))
  const workspace = await spec.workspace()
  const { promise: broken, reject } = Promise.withResolvers<never>()
  workspace.once('error', reject)
  await Promise.race([askEngine((abortSignal) => container.putArchive(workspace, { path: '/', abortSignal }), copyMs), broken])
}

const toReason = (error: unknown, image: string): string => {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof SandboxImageError) return message
  return statusOf(error) === null ? message : `The engine could not run a container of ${image}: ${message.slice(0, 300)}`
}
