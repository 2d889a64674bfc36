import { compareBooks } from '../../src/checker/check-model-witness.ts'
import type { EventOf, LogEvent } from '../../src/events/event.ts'
import { isUndone, skipUndone } from '../../src/events/undone.ts'
import type { SimSandbox } from './sim-sandbox.ts'
import type { SimSession } from './sim-store.ts'
import type { SimWorld } from './simulate.ts'

/** R2 to R7 asked of a run that has come to rest, or has not. Each sentence is one violation. */
export const findFaults = (world: SimWorld, sandboxes: ReadonlyMap<string, SimSandbox>): string[] => [
  ...world.model.malformed.map((what) => `the provider refuses what it was sent: ${what}`),
  ...findMoneyFaults(world),
  ...[...world.store.sessions.values()].flatMap((session) => [
    ...findWriterFaults(session),
    ...findCallFaults(session, sandboxes.get(session.id)),
    ...findRestFaults(world, session),
  ]),
]

const findWriterFaults = ({ id, log, epochs, fold }: SimSession): string[] => {
  const faults: string[] = []
  let newest = 0
  for (const [index, epoch] of epochs.entries()) {
    if (epoch !== null && epoch < newest) faults.push(`R3 ${id}: event ${index + 1} was written under epoch ${epoch} after ${newest}`)
    newest = Math.max(newest, epoch ?? 0)
  }
  const final = log.findIndex((event) => event.type === 'session.status' && event.payload.status === 'CANCELED')
  if (final !== -1 && fold.status !== 'CANCELED') faults.push(`R7 ${id}: it was canceled and is ${fold.status}`)
  return faults
}

/** Whether an event knows an earlier one, as nobody had gone back behind that in between. */
const knows = (log: readonly LogEvent[], later: LogEvent, earlier: LogEvent): boolean => {
  const rewound = log.findLast((event) => event.type === 'session.rewound' && event.payload.thread !== null && event.seq <= later.seq)
  return rewound?.type !== 'session.rewound' || !isUndone(rewound.payload.thread?.undone ?? [], earlier.seq)
}

const findCallFaults = ({ id, log, fold }: SimSession, sandbox: SimSandbox | undefined): string[] => {
  const faults: string[] = []
  const of = <T extends LogEvent['type']>(type: T) => log.filter((event): event is EventOf<T> => event.type === type)
  const results = Map.groupBy(of('agent.tool_result'), ({ payload }) => payload.callId)
  const calls = Map.groupBy(of('agent.tool_call'), ({ payload }) => payload.callId)
  const current = new Set(skipUndone(log))
  for (const answer of of('agent.message')) {
    for (const block of answer.payload.content) {
      if (block.type !== 'tool_use') continue
      const [result, ...others] = results.get(block.id) ?? []
      const more = others.filter((other) => result !== undefined && knows(log, other, result))
      const call = calls.get(block.id)?.[0]
      const happened = sandbox?.effects.get(block.id) ?? 0
      const broken = answer.payload.brokenCalls.some((call) => call.id === block.id)
      if (more.length > 0) faults.push(`R4 ${id}: ${block.id} has ${more.length + 1} results`)
      if ((calls.get(block.id)?.length ?? 0) > 1) faults.push(`R4 ${id}: ${block.id} was logged twice`)
      if (happened > 1) faults.push(`R4 ${id}: ${block.id} happened ${happened} times`)
      if (happened > 0 && (broken || !calls.has(block.id))) faults.push(`R4 ${id}: ${block.id} happened, and should never have run`)
      if (happened !== 1 && result?.payload.outcome === 'done')
        faults.push(`R4 ${id}: ${block.id} is said to be done, and happened ${happened} times`)
      if (happened > 0 && result?.payload.outcome === 'not_run' && call !== undefined && knows(log, result, call))
        faults.push(`R4 ${id}: ${block.id} is said not to have run, and happened`)
      if (result === undefined && current.has(answer) && (fold.status === 'IDLE' || fold.status === 'COMPLETED'))
        faults.push(`R4 ${id}: ${block.id} has no result`)
    }
  }
  const verdicts = Map.groupBy(of('condition.evaluated'), ({ payload }) => `${payload.round} ${payload.conditionId}`)
  for (const [of, given] of verdicts) if (given.length > 1) faults.push(`R4 ${id}: round and condition ${of} have ${given.length} verdicts`)
  return faults
}

const findMoneyFaults = (world: SimWorld): string[] => {
  const { store, model } = world
  const { money } = store
  const sum = [...money.reservations.values()].reduce((total, { charge }) => total + (charge?.costNanos ?? 0n), 0n)
  return [
    ...compareBooks(model.lines, money.books()).map(({ at, what }) => `R5 ${at}: ${what}`),
    ...(money.peakNanos > money.limitNanos ? [`R5 the cap of ${money.limitNanos} was passed: ${money.peakNanos}`] : []),
    ...(sum === money.spentNanos ? [] : [`R5 charges sum to ${sum}, ${money.spentNanos} is kept as spent`]),
    ...findUnpaidAnswers(world),
    ...(money.heldNanos === 0n ? [] : [`R5 ${money.heldNanos} are still held`]),
  ]
}

const findUnpaidAnswers = ({ store }: SimWorld): string[] =>
  [...store.sessions.values()].flatMap(({ id, log }) =>
    log.flatMap((event) => {
      if (event.type !== 'agent.message') return []
      const charge = store.money.reservations.get(event.payload.reservationId)?.charge
      return charge?.basis === 'exact' && charge.costNanos === event.costNanos
        ? []
        : [`R5 ${id}: event ${event.seq} cost ${event.costNanos}, charged ${charge?.costNanos ?? 'nothing'}`]
    }),
  )

/** R6: once faults stop, every session ends or waits for a person, and no message is forgotten. */
const findRestFaults = ({ store, model }: SimWorld, { id, log, fold, control }: SimSession): string[] => {
  const interrupts = log.filter((event) => event.type === 'user.message' && event.payload.mode === 'interrupt').length
  const cut = model.stopped.get(id) ?? 0
  const turn = store.openTurn(id)
  const stopped = fold.status === 'IDLE' || fold.status === 'COMPLETED' || fold.status === 'CANCELED'
  return [
    // A wish that is heard late may stop the next call as well; one that stops call after call is never obeyed.
    ...(cut > 3 * interrupts ? [`R6 ${id}: ${interrupts} interrupts stopped ${cut} calls`] : []),
    ...(fold.status === 'QUEUED' || fold.status === 'RUNNING'
      ? [`R6 ${id}: it is ${fold.status} for ever, its turn ${turn?.state ?? 'gone'}`]
      : []),
    ...(stopped && turn !== null ? [`R6 ${id}: it is ${fold.status} with a turn that is ${turn.state}`] : []),
    ...((fold.status === 'IDLE' || fold.status === 'COMPLETED') && fold.unread.size > 0
      ? [`R6 ${id}: it is ${fold.status} and ${fold.unread.size} messages were never read`]
      : []),
    ...(stopped && control !== null ? [`R6 ${id}: it is ${fold.status} and a wish to ${control} is still open`] : []),
  ]
}
