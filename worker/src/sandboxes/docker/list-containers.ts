import type Docker from 'dockerode'
import type { SandboxProvider } from '../sandbox.ts'
import { askEngine } from './engine.ts'

type Listed = Awaited<ReturnType<SandboxProvider['list']>>

/** Every container of this installation, whoever made it and however far that got: what the reaper goes by. */
export const listContainers = async (docker: Docker, instance: string): Promise<Listed> => {
  const filters = { label: [`longhaul.instance=${instance}`] }
  const found = await askEngine((abortSignal) => docker.listContainers({ all: true, filters, abortSignal }))
  return found.map((container) => ({
    id: container.Id,
    sessionId: container.Labels['longhaul.session'] ?? '',
    buildId: toBuildId(container.Labels),
    tenantId: container.Labels['longhaul.tenant'] ?? '',
    kind: toKind(container.Labels['longhaul.kind']),
    running: container.State === 'running',
    paused: container.State === 'paused',
    createdAt: new Date(container.Created * 1000),
  }))
}

const toKind = (label: string | undefined): Listed[number]['kind'] =>
  label === 'check' || label === 'clone' || label === 'copy' || label === 'build' ? label : 'sandbox'

/** Containers inherit the labels of their image, and one with a set-up says which build made it. */
const toBuildId = (labels: Record<string, string>): string | null =>
  labels['longhaul.kind'] === 'build' ? (labels['longhaul.build'] ?? '') : null
