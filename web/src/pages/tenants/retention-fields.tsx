import { type Problem, problemOf } from '../../api/problem.ts'
import { TextField } from '../../components/field.tsx'
import type { CheckpointRetentionInput } from '../../generated/graphql.ts'
import type { TenantRow } from './tenant-row.ts'

/** Texts as typed; days that are left empty never end. */
export type RetentionDraft = { allForHours: string; hourlyForDays: string; dailyForDays: string }

export const toRetentionDraft = ({ allForHours, hourlyForDays, dailyForDays }: TenantRow['checkpointRetention']): RetentionDraft => ({
  allForHours: String(allForHours),
  hourlyForDays: String(hourlyForDays),
  dailyForDays: dailyForDays === null ? '' : String(dailyForDays),
})

export const toRetention = ({ allForHours, hourlyForDays, dailyForDays }: RetentionDraft): CheckpointRetentionInput => ({
  allForHours: Number(allForHours),
  hourlyForDays: Number(hourlyForDays),
  dailyForDays: dailyForDays.trim() === '' ? null : Number(dailyForDays),
})

/** Where a problem of these is shown beside its field. */
export const RETENTION_PATHS = ['allForHours', 'hourlyForDays', 'dailyForDays'].map((name) => `checkpointRetention.${name}`)

/** For how long the checkpoints stay that nobody asked for. */
export const RetentionFields = (props: { draft: RetentionDraft; onDraft: (draft: RetentionDraft) => void; problem: Problem | null }) => {
  const { draft, onDraft, problem } = props
  const field = (name: keyof RetentionDraft) => ({
    value: draft[name],
    onValue: (value: string) => onDraft({ ...draft, [name]: value }),
    error: problemOf(problem, `checkpointRetention.${name}`),
    inputMode: 'numeric' as const,
    pattern: '\\s*\\d*\\s*',
    title: 'A whole number',
  })
  return (
    <fieldset className="stack tenant-retention">
      <legend>Checkpoints that nobody asked for</legend>
      <TextField {...field('allForHours')} required label="All stay for so many hours" />
      <TextField {...field('hourlyForDays')} required label="Then one an hour, up to so many days" />
      <TextField
        {...field('dailyForDays')}
        label="Then one a day, up to so many days"
        placeholder="for good"
        hint="What somebody asked for or forked from stays, and so does the newest."
      />
    </fieldset>
  )
}
