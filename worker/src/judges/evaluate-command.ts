import type { Readable } from 'node:stream'
import type { CommandSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import type { CheckResult } from '../sandboxes/sandbox.ts'
import { restoreProtected } from '../workspace/restore-protected.ts'
import { compareManifests, describeChanges, type ManifestChange } from './compare-manifests.ts'
import { type Evaluation, failed, type Judgement, satisfied, unsatisfied } from './judgement.ts'

const MAX_OUTPUT_BYTES = 64 * 1024
const TAIL_LENGTH = 2_500
const SHOWN_CHANGES = 10
const EVIDENCE_CHANGES = 50

/**
 * Invariant 8: the command is the main process of a new container, on the copy, with every protected path as it was in the beginning: its
 * own globs and those of all UNCHANGED conditions. The exit code is the engine's.
 */
export const evaluateCommand = async (evaluation: Evaluation, spec: CommandSpec, signal: AbortSignal): Promise<Judgement> => {
  const { parts, claim } = evaluation.stretch
  const globs = protectedGlobs(evaluation, spec)
  const putBack = globs.length === 0 ? [] : compareManifests((await evaluation.baseline()).manifest, evaluation.copy.manifest, globs)
  const { image, cpus, memoryMb, diskMb } = claim.environmentVersion
  const result = await parts.sandboxes.provider.check(
    {
      tenantId: claim.tenantId,
      sessionId: claim.session.id,
      image,
      setUpImageId: evaluation.setUpImageId,
      cpus,
      memoryMb,
      diskMb,
      workspace: async () => {
        await parts.atPoint('mid_evaluation')
        return openRestored(evaluation, globs)
      },
      run: spec.run,
      timeoutMs: spec.timeoutSeconds * 1_000,
      maxOutputBytes: MAX_OUTPUT_BYTES,
    },
    signal,
  )
  // A command that was stopped from outside has an exit code too; it says nothing about the work.
  signal.throwIfAborted()
  return judgeResult(spec, result, putBack)
}

const protectedGlobs = ({ open }: Evaluation, spec: CommandSpec): string[] => [
  ...new Set([...spec.protect, ...open.flatMap((condition) => (condition.kind === 'UNCHANGED' ? condition.spec.paths : []))]),
]

const openRestored = async ({ copy, baseline }: Evaluation, globs: string[]): Promise<Readable> =>
  globs.length === 0 ? copy.open() : restoreProtected(copy.open(), await (await baseline()).open(), globs)

/** A command that did not end in time has been run, and did not pass: the agent can mend that. One that never ran tells nothing. */
const judgeResult = (spec: CommandSpec, result: CheckResult, putBack: ManifestChange[]): Judgement => {
  const evidence = {
    exitCode: result.exitCode,
    expectExit: spec.expectExit,
    timedOut: result.timedOut,
    durationMs: result.durationMs,
    putBack: putBack.slice(0, EVIDENCE_CHANGES),
    putBackTotal: putBack.length,
  }
  if (!result.completed && !result.timedOut)
    return failed(`The check could not be run: ${result.error ?? 'for an unknown reason'}`, { evidence })
  if (result.completed && !result.timedOut && result.exitCode === spec.expectExit)
    return satisfied(`The command exited with ${spec.expectExit}.`, evidence)
  const ending = result.timedOut
    ? `did not end within ${spec.timeoutSeconds} seconds`
    : `exited with ${result.exitCode}${spec.expectExit === 0 ? '' : `, and must exit with ${spec.expectExit}`}`
  return unsatisfied(
    [`The command ${ending}: ${firstLine(spec.run)}`, ...describeOutput(result.output), ...describePutBack(putBack)].join('\n'),
    evidence,
  )
}

const describeOutput = (output: string): string[] => {
  if (output.trim() === '') return ['It wrote no output.']
  if (output.length <= TAIL_LENGTH) return ['Its output:', output]
  return ['The end of its output:', output.slice(-TAIL_LENGTH).toWellFormed()]
}

const describePutBack = (putBack: ManifestChange[]): string[] =>
  putBack.length === 0
    ? []
    : ['These paths are protected; the check ran with them as they were in the beginning:', describeChanges(putBack, SHOWN_CHANGES)]

const firstLine = (run: string): string => {
  const [line = ''] = run.trim().split('\n', 1)
  return line.length < run.trim().length || line.length > 200 ? `${line.slice(0, 200).toWellFormed()} …` : line
}
