import { createLogger } from '@longhaul/core/src/logger.ts'
import { registry } from '@longhaul/core/src/metrics/instruments.ts'
import { expect, test } from 'vitest'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'
import { countSandboxes } from './count-sandboxes.ts'

const logger = createLogger({ name: 'metrics', level: 'silent' })
const container = { id: 'c', sessionId: 'ses_1', buildId: null, workerId: null, tenantId: 'tnt_1', createdAt: new Date() }

test("an engine's containers are counted by kind and state, once for many scrapes; an engine that is away has no figures", async () => {
  let lists = 0
  const list: SandboxProvider['list'] = async () => {
    if (++lists === 1) throw new Error('no engine')
    return [
      { ...container, kind: 'sandbox', running: true, paused: false },
      { ...container, kind: 'sandbox', running: true, paused: false },
      { ...container, kind: 'sandbox', running: false, paused: false },
      { ...container, kind: 'sandbox', running: false, paused: true },
      { ...container, kind: 'check', running: true, paused: false },
    ]
  }
  countSandboxes({ list }, logger)
  expect(await registry.metrics()).not.toMatch(/^longhaul_sandboxes\{/m)
  await registry.metrics()
  const text = await registry.metrics()
  expect(lists).toBe(2)
  expect(text.match(/^longhaul_sandboxes\{.*$/gm)).toEqual([
    'longhaul_sandboxes{kind="sandbox",state="running"} 2',
    'longhaul_sandboxes{kind="sandbox",state="paused"} 1',
    'longhaul_sandboxes{kind="sandbox",state="stopped"} 1',
    'longhaul_sandboxes{kind="check",state="running"} 1',
    'longhaul_sandboxes{kind="check",state="paused"} 0',
    'longhaul_sandboxes{kind="check",state="stopped"} 0',
    'longhaul_sandboxes{kind="clone",state="running"} 0',
    'longhaul_sandboxes{kind="clone",state="paused"} 0',
    'longhaul_sandboxes{kind="clone",state="stopped"} 0',
    'longhaul_sandboxes{kind="build",state="running"} 0',
    'longhaul_sandboxes{kind="build",state="paused"} 0',
    'longhaul_sandboxes{kind="build",state="stopped"} 0',
    'longhaul_sandboxes{kind="warm",state="running"} 0',
    'longhaul_sandboxes{kind="warm",state="paused"} 0',
    'longhaul_sandboxes{kind="warm",state="stopped"} 0',
  ])
})
