import { formatWhole, toWords } from '../../../components/format.ts'
import type { CheckpointTrigger } from '../../../generated/graphql.ts'

const WHY: Record<CheckpointTrigger, string> = {
  CADENCE: 'taken at work',
  SUSPEND: 'taken at rest',
  MANUAL: 'taken by hand',
  BEFORE_RESET: 'before a new context',
  BEFORE_EVALUATION: 'before an evaluation',
  FORK: 'taken for a fork',
}

/** What people know a checkpoint by: its label, else what it was taken for. A trigger of a later release is shown by its name. */
export const toName = ({ label, trigger, seq }: { label: string | null; trigger: CheckpointTrigger; seq: number }): string =>
  label ?? `event ${formatWhole(seq)}, ${toReason(trigger)}`

export const toReason = (trigger: string): string => (WHY as Partial<Record<string, string>>)[trigger] ?? toWords(trigger)
