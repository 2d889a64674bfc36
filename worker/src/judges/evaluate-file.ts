import type { FileSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import type { ManifestEntry } from '@longhaul/core/src/conditions/manifest.ts'
import { type Evaluation, failed, type Judgement, satisfied, unsatisfied } from './judgement.ts'
import { matchInThread } from './match-in-thread.ts'

const MAX_FILE_BYTES = 5 * 1024 * 1024

/** Links are not followed, neither at the end of the path nor on the way: what lies behind them is not in the manifest. */
export const evaluateFile = async ({ copy }: Pick<Evaluation, 'copy'>, spec: FileSpec): Promise<Judgement> => {
  const name = JSON.stringify(spec.path)
  const entry = copy.manifest.find(({ path }) => path === spec.path)
  if ('exists' in spec) return judgeExistence(spec, entry)
  if (entry === undefined) return unsatisfied(`There is no file ${name}.`, { found: null })
  const evidence = { found: entry.kind, sizeBytes: entry.sizeBytes, sha256: entry.kind === 'FILE' ? entry.content : null }
  if (entry.kind !== 'FILE')
    return unsatisfied(`${name} is no regular file but a ${entry.kind.toLowerCase()}; links are not followed.`, evidence)
  if (entry.sizeBytes > MAX_FILE_BYTES)
    return unsatisfied(`${name} has ${entry.sizeBytes} bytes; files of up to ${MAX_FILE_BYTES} can be checked.`, evidence)

  const outcome = await matchInThread({ bytes: await copy.readFile(spec.path, MAX_FILE_BYTES), ...toJob(spec) })
  const what = 'matches' in spec ? `the pattern ${JSON.stringify(spec.matches)}` : 'its JSON Schema'
  if ('broken' in outcome) return failed(`${name} could not be checked by ${what}: ${outcome.broken}`, { evidence })
  if ('exceeded' in outcome)
    return unsatisfied(
      `${name} could not be checked by ${what} within the ${outcome.exceeded} allowed. Make the file smaller or simpler.`,
      evidence,
    )
  if (outcome.holds) return satisfied(`${name} fits ${what}.`, evidence)
  return unsatisfied([`${name} does not fit ${what}.`, ...outcome.reasons.map((reason) => `- ${reason}`)].join('\n'), {
    ...evidence,
    reasons: outcome.reasons,
  })
}

const judgeExistence = (spec: { path: string; exists: boolean }, entry: ManifestEntry | undefined): Judgement => {
  const evidence = { found: entry?.kind ?? null }
  const sentence =
    entry === undefined ? `There is no ${JSON.stringify(spec.path)}` : `${JSON.stringify(spec.path)} is there (${entry.kind.toLowerCase()})`
  if ((entry !== undefined) === spec.exists) return satisfied(`${sentence}.`, evidence)
  return unsatisfied(`${sentence}, and there must be ${spec.exists ? 'one' : 'none'}.`, evidence)
}

const toJob = (spec: Exclude<FileSpec, { exists: boolean }>): { kind: 'pattern'; pattern: string } | { kind: 'schema'; schema: unknown } =>
  'matches' in spec ? { kind: 'pattern', pattern: spec.matches } : { kind: 'schema', schema: spec.jsonSchema }
