/** A worker that starts a call and says so; the test then kills it. */
import { DockerProvider } from '../docker-provider.ts'
import { createDocker } from '../engine.ts'

const { spec, instance, epoch, filledId, callNo, script, git } = JSON.parse(process.argv[2] ?? '{}')
const provider = new DockerProvider({ docker: createDocker(), instance, git })
const signal = new AbortController().signal
const { sandbox } = await provider.open(spec, { epoch, filledId, signal })
void sandbox.run({ callNo, script, timeoutMs: 60_000, maxOutputBytes: 1_000 }, signal)
while ((await sandbox.inspectCall({ callNo, maxOutputBytes: 10 })).state !== 'running')
  await new Promise((resolve) => setTimeout(resolve, 20))
process.stdout.write('running\n')
