import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { OPERATOR_KEY, startTestApi, type TestApi, type TestTenant } from '../../../testing/start-test-api.ts'
import { toPeriodSpend, toResetTime } from './budgets.ts'

let api: TestApi
let tenant: TestTenant
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.stop())
beforeEach(async () => {
  tenant = await api.tenant()
})

const SET =
  'mutation ($input: SetBudgetInput!) { setBudget(input: $input) { budget { id scope scopeId period setBy limitUsd spentUsd reservedUsd alertPercents resetsAt } } }'
const set = (key: string, more: object = {}) =>
  api.ask(key, SET, { input: { scope: 'TENANT', scopeId: tenant.tenantId, period: 'MONTH', limitUsd: '10', ...more } })
const idOf = ({ data }: { data: unknown }) => (data as { setBudget: { budget: { id: string } } }).setBudget.budget.id

test("the operator's cap and the tenant's stand beside each other, and neither changes the other's", async () => {
  const operators = await set(OPERATOR_KEY, { limitUsd: '5' })
  expect(operators.data).toMatchObject({
    setBudget: {
      budget: {
        setBy: 'OPERATOR',
        limitUsd: '5.00',
        spentUsd: '0.00',
        alertPercents: [80, 100],
        resetsAt: expect.stringMatching(/-01T00:00:00.000Z$/),
      },
    },
  })
  const own = await set(tenant.adminKey, { alertPercents: [90, 50] })
  expect(own.data).toMatchObject({ setBudget: { budget: { setBy: 'TENANT', limitUsd: '10.00', alertPercents: [50, 90] } } })
  expect(idOf(await set(tenant.adminKey, { limitUsd: '20' }))).toBe(idOf(own))
  const { budgets } = (
    await api.get<{ viewer: { tenant: { budgets: object[] } } }>(tenant.adminKey, '{ viewer { tenant { budgets { setBy limitUsd } } } }')
  ).viewer.tenant
  expect(budgets).toEqual([
    { setBy: 'OPERATOR', limitUsd: '5.00' },
    { setBy: 'TENANT', limitUsd: '20.00' },
  ])
  const remove = (key: string, id: string) => api.ask(key, 'mutation ($id: ID!) { removeBudget(input: {id: $id}) { id } }', { id })
  expect((await remove(tenant.adminKey, idOf(operators))).errors[0]?.extensions).toEqual({ code: 'FORBIDDEN' })
  expect((await remove(OPERATOR_KEY, idOf(own))).errors[0]?.extensions).toEqual({ code: 'FORBIDDEN' })
  expect((await remove(tenant.adminKey, idOf(own))).data).toEqual({ removeBudget: { id: idOf(own) } })
  expect((await remove(tenant.adminKey, idOf(own))).errors[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
})

test('agents and sessions have caps of their own', async () => {
  expect((await set(tenant.adminKey, { scope: 'AGENT', scopeId: tenant.agentId, period: 'DAY' })).data).toMatchObject({
    setBudget: { budget: { scope: 'AGENT', scopeId: tenant.agentId } },
  })
  expect((await set(OPERATOR_KEY, { scope: 'AGENT', scopeId: tenant.agentId, period: 'LIFETIME' })).data).toMatchObject({
    setBudget: { budget: { setBy: 'OPERATOR', resetsAt: null } },
  })
  const { agents } = await api.get<{ agents: { edges: { node: { budgets: object[] } }[] } }>(
    tenant.adminKey,
    '{ agents { edges { node { budgets { period setBy } } } } }',
  )
  expect(agents.edges[0]?.node.budgets).toEqual([
    { period: 'DAY', setBy: 'TENANT' },
    { period: 'LIFETIME', setBy: 'OPERATOR' },
  ])
  expect((await set(tenant.adminKey, { scope: 'SESSION', scopeId: tenant.agentId })).errors[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
})

test.each([
  [{ limitUsd: '-1' }, 'input.limitUsd'],
  [{ limitUsd: 1 }, 'input.limitUsd'],
  [{ limitUsd: '9000001' }, 'input.limitUsd'],
  [{ limitUsd: '0.0000001' }, 'input.limitUsd'],
  [{ alertPercents: [0] }, 'input.alertPercents.0'],
  [{ alertPercents: [101] }, 'input.alertPercents.0'],
  [{ alertPercents: [50, 50] }, 'input.alertPercents'],
  [{ period: 'YEAR' }, 'input.period'],
])('the cap %j is refused by its field', async (more, field) => {
  expect((await set(tenant.adminKey, more)).errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field })
  expect((await api.database.superuser.query('select 1 from budget where tenant_id = $1', [tenant.tenantId])).rowCount).toBe(0)
})

test('what an earlier day or month spent does not count in this one', () => {
  const spend = {
    day: new Date('2026-03-31'),
    month: new Date('2026-03-01'),
    daySpent: 1n,
    dayReserved: 2n,
    monthSpent: 3n,
    monthReserved: 4n,
    totalSpent: 5n,
    totalReserved: 6n,
  }
  const at = (now: string) =>
    (['DAY', 'MONTH', 'LIFETIME'] as const).map((period) =>
      Object.values(toPeriodSpend({ ...spend, scope: 'TENANT', scopeId: 't', tenantId: 't' }, period, new Date(now))),
    )
  expect(at('2026-03-31T23:59:59Z')).toEqual([
    [1n, 2n],
    [3n, 4n],
    [5n, 6n],
  ])
  expect(at('2026-04-01T00:00:00Z')).toEqual([
    [0n, 0n],
    [0n, 0n],
    [5n, 6n],
  ])
  expect(toResetTime('DAY', new Date('2026-12-31T12:00:00Z'))?.toISOString()).toBe('2027-01-01T00:00:00.000Z')
  expect(toResetTime('MONTH', new Date('2026-12-31T12:00:00Z'))?.toISOString()).toBe('2027-01-01T00:00:00.000Z')
})
