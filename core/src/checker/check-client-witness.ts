import { fingerprintTenant } from './fingerprint-tenant.ts'
import { readAsTenants } from './read-as-tenants.ts'
import { type ClientLine, type ClientLineOf, readClientWitness } from './read-witness.ts'
import type { Rule, Scope, Violation } from './report.ts'

type Seen = { id: string; status: string; head: number; deleted: boolean }
type Call = { sessionId: string; input: string }
type LoggedEvent = { sessionId: string; seq: number; type: string }

const NEEDED_BY: Record<ClientLine['kind'], Rule> = {
  accepted: 'R1',
  result: 'R1',
  status: 'R7',
  subscribed: 'R9',
  event: 'R9',
  effect: 'R4',
  tenant: 'R11',
}
const WITHOUT: Partial<Record<ClientLine['kind'], { rule: Rule; why: string; whole: boolean }>> = {
  accepted: { rule: 'R1', why: 'no client wrote down what was accepted', whole: true },
  status: { rule: 'R7', why: 'no client wrote down the results it saw: finality was checked in the log only', whole: false },
  event: { rule: 'R9', why: 'no subscriber wrote down what it received', whole: true },
  effect: { rule: 'R4', why: 'no server outside counted side effects: calls were checked in the log only', whole: false },
  tenant: { rule: 'R11', why: 'no fingerprint of a tenant was taken before: only the walls between tenants were checked', whole: false },
}

/** R1, R4, R7, R9 and R11 as clients saw them. What no line speaks of is named as unchecked. */
export const checkClientWitness = async (
  scope: Omit<Scope, 'tenantId'>,
  { files, tenantIds }: { files: readonly string[]; tenantIds: readonly string[] },
): Promise<void> => {
  const lines = await readClientWitness(files)
  const kinds = new Set(lines.map(({ kind }) => kind))
  for (const kind of Object.keys(NEEDED_BY) as ClientLine['kind'][]) {
    const missing = WITHOUT[kind]
    if (missing !== undefined && !kinds.has(kind)) scope.unchecked.push(missing)
  }
  if (lines.length === 0) return
  const of = <K extends ClientLine['kind']>(kind: K) => lines.filter((line): line is ClientLineOf<K> => line.kind === kind)
  const sessions = await readAsTenants<Seen>(
    scope.client,
    tenantIds,
    'select id, status, head, deleted_at is not null as deleted from session',
  )
  const calls = await readAsTenants<Call>(
    scope.client,
    tenantIds,
    `select session_id as "sessionId", payload->>'input' as input from event where type = 'agent.tool_call' and session_id = any($1)`,
    [of('effect').map(({ sessionId }) => sessionId)],
  )
  const events = await readAsTenants<LoggedEvent>(
    scope.client,
    tenantIds,
    `select p.session_id as "sessionId", e.seq, e.type from log_piece p
       join event e on e.session_id = p.source_session_id and e.seq between p.from_seq and p.to_seq where p.session_id = any($1)`,
    [[...new Set(of('event').map(({ sessionId }) => sessionId))]],
  )
  scope.violations.push(
    ...findLost(of('accepted'), sessions),
    ...findSecondResults(of('result')),
    ...findChangedResults(of('status'), sessions),
    ...findBadDeliveries(lines, events),
    ...findRepeatedEffects(of('effect'), calls),
    ...(await findTouchedTenants(scope, of('tenant'))),
  )
}

/** Pure. A success that a client was told of is in the log, or its session was deleted since. */
export const findLost = (lines: readonly ClientLineOf<'accepted'>[], sessions: readonly Seen[]): Violation[] => {
  const heads = new Map(sessions.map((session) => [session.id, session]))
  return lines.flatMap(({ sessionId, seq }): Violation[] => {
    const session = heads.get(sessionId)
    if (session === undefined) return [{ rule: 'R1', at: sessionId, what: 'it was accepted and is not there' }]
    return seq !== null && seq > session.head
      ? [{ rule: 'R1', at: sessionId, what: `event ${seq} was accepted, the log ends at ${session.head}` }]
      : []
  })
}

/** Pure. */
export const findSecondResults = (lines: readonly ClientLineOf<'result'>[]): Violation[] => {
  const first = new Map<string, string>()
  return lines.flatMap(({ tenantId, mutation, key, result }): Violation[] => {
    const at = `${tenantId} ${mutation} ${key}`
    const known = first.get(at) ?? result
    first.set(at, known)
    return known === result ? [] : [{ rule: 'R1', at, what: `one idempotency key was answered with ${known} and with ${result}` }]
  })
}

/** Pure. FAILED and CANCELED are final. */
export const findChangedResults = (lines: readonly ClientLineOf<'status'>[], sessions: readonly Seen[]): Violation[] => {
  const statuses = new Map(sessions.map(({ id, status }) => [id, status]))
  return lines.flatMap(({ sessionId, status }): Violation[] => {
    const now = statuses.get(sessionId)
    return (status === 'FAILED' || status === 'CANCELED') && now !== undefined && now !== status
      ? [{ rule: 'R7', at: sessionId, what: `it was seen as ${status} and is ${now}` }]
      : []
  })
}

/** Pure. From where a subscriber began, each event once, in order, whatever it reconnected in between; and each as the log has it. */
export const findBadDeliveries = (lines: readonly ClientLine[], events: readonly LoggedEvent[]): Violation[] => {
  const log = new Map(events.map(({ sessionId, seq, type }) => [`${sessionId} ${seq}`, type]))
  const at = new Map<string, number>()
  const violations: Violation[] = []
  for (const line of lines) {
    if (line.kind !== 'subscribed' && line.kind !== 'event') continue
    const reader = `${line.subscriber} ${line.sessionId}`
    const wrong = (what: string) => violations.push({ rule: 'R9', at: reader, what })
    if (line.kind === 'subscribed') {
      if (at.has(reader) && at.get(reader) !== line.after) wrong(`it had seen ${at.get(reader)} and was taken up again after ${line.after}`)
      at.set(reader, line.after)
      continue
    }
    const last = at.get(reader)
    if (last !== undefined && line.seq !== last + 1) wrong(`event ${line.seq} came after ${last}`)
    if (log.get(`${line.sessionId} ${line.seq}`) !== line.type)
      wrong(`event ${line.seq} came as ${line.type}, the log has ${log.get(`${line.sessionId} ${line.seq}`) ?? 'none'}`)
    at.set(reader, line.seq)
  }
  return violations
}

/** Pure. Each call has its effect at most once: there are never more effects than calls that were logged with their key. */
export const findRepeatedEffects = (lines: readonly ClientLineOf<'effect'>[], calls: readonly Call[]): Violation[] => {
  const counts = new Map<string, { sessionId: string; key: string; count: number }>()
  for (const { sessionId, key } of lines) {
    const id = JSON.stringify([sessionId, key])
    counts.set(id, { sessionId, key, count: (counts.get(id)?.count ?? 0) + 1 })
  }
  return [...counts.values()].flatMap(({ sessionId, key, count }): Violation[] => {
    const logged = calls.filter((call) => call.sessionId === sessionId && call.input.includes(key)).length
    return count > logged
      ? [{ rule: 'R4', at: sessionId, what: `${JSON.stringify(key)} happened ${count} times, and was called ${logged} times` }]
      : []
  })
}

const findTouchedTenants = async ({ client }: Omit<Scope, 'tenantId'>, lines: readonly ClientLineOf<'tenant'>[]): Promise<Violation[]> => {
  const violations: Violation[] = []
  for (const { tenantId, fingerprint } of lines) {
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    if ((await fingerprintTenant(client, tenantId)) !== fingerprint)
      violations.push({ rule: 'R11', at: tenantId, what: 'its rows were changed by what happened to another tenant' })
  }
  return violations
}
