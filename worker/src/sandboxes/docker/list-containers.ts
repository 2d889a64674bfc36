import type Docker from 'dockerode'
import type { ContainerInfo } from 'dockerode'
import type { SandboxProvider } from '../sandbox.ts'
import { isWarmName, sessionOfName } from './create-sandbox.ts'
import { askEngine } from './engine.ts'

type Listed = Awaited<ReturnType<SandboxProvider['list']>>

/** Every container of this installation, whoever made it and however far that got: what the reaper goes by. */
export const listContainers = async (docker: Docker, instance: string): Promise<Listed> => {
  const filters = { label: [`longhaul.instance=${instance}`] }
  const found = await askEngine((abortSignal) => docker.listContainers({ all: true, filters, abortSignal }))
  return found.map((container) => ({
    id: container.Id,
    ...toOwner(container),
    buildId: toBuildId(container.Labels),
    running: container.State === 'running',
    paused: container.State === 'paused',
    createdAt: new Date(container.Created * 1000),
  }))
}

const toOwner = ({ Labels, Names }: ContainerInfo): Pick<Listed[number], 'sessionId' | 'tenantId' | 'kind' | 'workerId'> => {
  const name = (Names[0] ?? '').replace(/^\//, '')
  const kind = toKind(Labels['longhaul.kind'])
  if (kind !== 'warm')
    return { sessionId: Labels['longhaul.session'] ?? '', tenantId: Labels['longhaul.tenant'] ?? '', kind, workerId: null }
  // Its labels say what it was made as; its name, whose it has become.
  const nobody = { sessionId: '', tenantId: '', kind, workerId: Labels['longhaul.worker'] ?? '' }
  return isWarmName(name) ? nobody : { ...nobody, sessionId: sessionOfName(name), kind: 'sandbox', workerId: null }
}

const toKind = (label: string | undefined): Listed[number]['kind'] =>
  label === 'check' || label === 'clone' || label === 'copy' || label === 'build' || label === 'warm' ? label : 'sandbox'

/** Containers inherit the labels of their image, and one with a set-up says which build made it. */
const toBuildId = (labels: Record<string, string>): string | null =>
  labels['longhaul.kind'] === 'build' ? (labels['longhaul.build'] ?? '') : null
