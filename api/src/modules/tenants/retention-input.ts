import { z } from 'zod'
import { optional, wholeNumber } from '../../graphql/parse-input.ts'

/** At least an hour: what a session would be taken back to after a bad turn must not go while somebody looks at it. */
export const retentionInput = z.object({
  allForHours: optional(wholeNumber(1, 8_760)),
  hourlyForDays: optional(wholeNumber(0, 3_650)),
  // Null says something: the days never end.
  dailyForDays: wholeNumber(0, 3_650).nullish(),
})
