import { type Condition, readOpenConditions } from '@longhaul/core/src/conditions/read-conditions.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import { beginTaking } from '../checkpoints/take-checkpoint.ts'
import { openSandbox, openSetUp } from '../turn/open-sandbox.ts'
import { retryLater } from '../turn/retry-later.ts'
import { ClaimLostError, type Stretch } from '../turn/stretch.ts'
import { WorkspaceArchiveError } from '../workspace/archive-guard.ts'
import { concludeEvaluation, continueWork, obeyWishes } from './conclude-evaluation.ts'
import { copyWorkspace, type WorkspaceCopy, WorkspaceTooLargeError } from './copy-workspace.ts'
import { evaluateCondition } from './evaluate-condition.ts'
import { unsatisfied } from './judgement.ts'
import { createBaselineOpener } from './open-baseline.ts'
import { recordJudgement, roundVerdicts } from './record-judgement.ts'

/**
 * An evaluation turn: one verdict for each open condition in this round, all on one copy of the workspace, then what follows from them.
 * Verdicts that an earlier worker gave in this round stand: a crash neither repeats nor pays twice.
 */
export const runEvaluation = async (stretch: Stretch): Promise<void> => {
  await stretch.parts.atPoint('before_evaluation')
  if ((await obeyWishes(stretch)) === 'let_go') return
  const open = await readOpenConditions(stretch.parts.db, stretch.claim)
  const given = roundVerdicts(stretch)
  if (open.some(({ id }) => !given.has(id)) && (await judgeOpen(stretch, open)) === 'let_go') return
  await concludeEvaluation(stretch, roundVerdicts(stretch))
}

const judgeOpen = async (stretch: Stretch, open: Condition[]): Promise<'go_on' | 'let_go'> => {
  if ((await openSandbox(stretch)) === 'let_go') return 'let_go'
  const setUp = open.some(({ kind }) => kind === 'COMMAND') ? await openSetUp(stretch) : null
  if (setUp === 'let_go') return 'let_go'
  await keepWhatIsJudged(stretch)
  const copy = await takeCopy(stretch)
  if (copy === 'let_go') return 'let_go'
  if ('unfit' in copy) return judgeEach(stretch, open, { digest: '', judge: async () => unsatisfied(copy.unfit) })
  try {
    const evaluation = { stretch, open, copy, setUpImageId: setUp?.imageId ?? null, baseline: createBaselineOpener(stretch) }
    return await judgeEach(stretch, open, { digest: copy.digest, judge: (condition) => evaluateCondition(evaluation, condition) })
  } finally {
    await copy.close()
  }
}

/**
 * Before the round's first verdict, while nothing runs: what was judged can be gone back to. One that can't be taken is none, and stops no
 * evaluation; neither is there a second one where an earlier worker has taken it.
 */
const keepWhatIsJudged = async (stretch: Stretch): Promise<void> => {
  const { parts, claim, events } = stretch
  const taken = events.findLast((event) => event.type === 'session.checkpointed' || event.type === 'agent.message')
  if (taken?.type === 'session.checkpointed' && taken.payload.trigger === 'BEFORE_EVALUATION') return
  if (roundVerdicts(stretch).size > 0) return
  const checkpoint = { id: createId('ckp'), trigger: 'BEFORE_EVALUATION' as const }
  const { tenantId, epoch, workerId } = claim
  const taking = await beginTaking(parts, { tenantId, sessionId: claim.session.id, epoch, workerId, checkpoint })
  await taking?.finish()
}

const judgeEach = async (
  stretch: Stretch,
  open: Condition[],
  { digest, judge }: { digest: string; judge: (condition: Condition) => ReturnType<typeof evaluateCondition> },
): Promise<'go_on' | 'let_go'> => {
  const given = roundVerdicts(stretch)
  for (const condition of open) {
    if (given.has(condition.id)) continue
    if ((await obeyWishes(stretch)) === 'let_go') return 'let_go'
    if ((await recordJudgement(stretch, { condition, judgement: await judge(condition), digest })) === 'let_go') return 'let_go'
  }
  return 'go_on'
}

/** `/workspace` as it is now. What the sandbox's engine can't give is a failure of ours; what the agent made of it is its own. */
const takeCopy = async (stretch: Stretch): Promise<WorkspaceCopy | { unfit: string } | 'let_go'> => {
  const { parts, claim, wishes } = stretch
  const signal = wishes.callSignal()
  try {
    const { id: sessionId, sandboxId } = claim.session
    // That of the log and no other: it is what the agent says is done.
    const tar = sandboxId === null ? null : await parts.sandboxes.provider.readWorkspace({ sessionId, sandboxId }, '/workspace')
    if (tar === null) throw new Error('its sandbox is gone')
    return await copyWorkspace(tar, { maxBytes: claim.environmentVersion.diskMb * 2 ** 20, signal })
  } catch (error) {
    if (wishes.lost.aborted) throw new ClaimLostError('lost while the workspace was copied')
    if (error instanceof WorkspaceTooLargeError || error instanceof WorkspaceArchiveError) {
      return { unfit: `/workspace could not be copied, so that nothing could be checked. ${error.message} Remove what is not needed.` }
    }
    if (signal.aborted) return continueWork(stretch, 'interrupted')
    parts.logger.warn({ err: error, sessionId: claim.session.id }, 'the workspace could not be copied')
    parts.sandboxes.forget({ sessionId: claim.session.id, epoch: claim.epoch })
    const message = `the workspace could not be copied: ${error instanceof Error ? error.message : String(error)}`
    return retryLater(stretch, { message, status: null, retryAfterMs: null, final: false, costNanos: null })
  }
}
