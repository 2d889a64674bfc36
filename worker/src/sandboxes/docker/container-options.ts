import type { ContainerCreateOptions } from 'dockerode'

export const agentUid = 10_001
export const maxProcesses = 512
export const agentHome = '/home/agent'

export type ContainerSpec = {
  image: string
  tenantId: string
  sessionId: string
  cpus: number
  memoryMb: number
  diskMb: number
  kind: 'sandbox' | 'check' | 'clone' | 'copy' | 'build' | 'warm'
  /** Which Longhaul installation it belongs to, so that two on one engine don't reap each other's. */
  instance: string
  command: string[]
}

/**
 * Every container of ours, as security.md's first row wants it. Nothing is granted here that a kind then takes back: a clone's
 * network is added by the clone, and it alone.
 */
export const toContainerOptions = (spec: ContainerSpec): ContainerCreateOptions => ({
  Image: spec.image,
  Entrypoint: [],
  Cmd: spec.command,
  User: `${agentUid}:${agentUid}`,
  WorkingDir: '/workspace',
  Env: [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `HOME=${agentHome}`,
    'USER=agent',
    'LANG=C.UTF-8',
    'PIP_BREAK_SYSTEM_PACKAGES=1',
  ],
  Hostname: 'sandbox',
  Labels: {
    'longhaul.kind': spec.kind,
    'longhaul.tenant': spec.tenantId,
    'longhaul.session': spec.sessionId,
    'longhaul.instance': spec.instance,
  },
  Healthcheck: { Test: ['NONE'] },
  Volumes: {},
  HostConfig: {
    NetworkMode: 'none',
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Privileged: false,
    Init: true,
    PidsLimit: maxProcesses,
    Memory: spec.memoryMb * 1024 * 1024,
    // Equal to Memory: no swap, so that a sandbox at its limit is killed and not slow for ever.
    MemorySwap: spec.memoryMb * 1024 * 1024,
    NanoCpus: Math.round(spec.cpus * 1e9),
    Ulimits: [
      { Name: 'nofile', Soft: 4096, Hard: 4096 },
      { Name: 'core', Soft: 0, Hard: 0 },
      // No one file larger than the disk: what overlay2 over ext4 can't limit is watched.
      { Name: 'fsize', Soft: spec.diskMb * 1024 * 1024, Hard: spec.diskMb * 1024 * 1024 },
    ],
    IpcMode: 'private',
    ShmSize: 64 * 1024 * 1024,
    // The main process's output goes to whoever is attached, and never to a file that grows.
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
    OomKillDisable: false,
  },
})
