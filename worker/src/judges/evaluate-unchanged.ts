import type { UnchangedSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { compareManifests, describeChanges } from './compare-manifests.ts'
import { type Evaluation, type Judgement, satisfied, unsatisfied } from './judgement.ts'

const EVIDENCE_CHANGES = 50
const EXPLAINED_CHANGES = 20

/** The test ratchet: what was there when the resources were in is there as it was, and nothing was added. */
export const evaluateUnchanged = async (
  { copy, baseline }: Pick<Evaluation, 'copy' | 'baseline'>,
  spec: UnchangedSpec,
): Promise<Judgement> => {
  const changes = compareManifests((await baseline()).manifest, copy.manifest, spec.paths)
  if (changes.length === 0) return satisfied(`Nothing changed in ${spec.paths.join(', ')}.`, { changes: [], total: 0 })
  return unsatisfied(
    `These must stay as they were in the beginning (${spec.paths.join(', ')}):\n${describeChanges(changes, EXPLAINED_CHANGES)}`,
    {
      changes: changes.slice(0, EVIDENCE_CHANGES),
      total: changes.length,
    },
  )
}
