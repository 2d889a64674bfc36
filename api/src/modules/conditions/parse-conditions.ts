import type { NewCondition } from '@longhaul/core/src/conditions/add-condition.ts'
import { parseConditionSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { badInput } from '@longhaul/core/src/errors.ts'
import type { DoneConditionInput } from '../../generated/resolver-types.ts'
import { label, parseInput } from '../../graphql/parse-input.ts'

const MAX_CONDITIONS = 50
const name = label(100)

export const parseConditions = (conditions: readonly DoneConditionInput[], field: string): NewCondition[] => {
  if (conditions.length > MAX_CONDITIONS) throw badInput(field, `at most ${MAX_CONDITIONS} conditions`)
  const parsed = conditions.map((condition, index) => parseCondition(condition, `${field}.${index}`))
  const twice = parsed.findIndex((one, index) => parsed.findIndex((other) => other.name === one.name) < index)
  if (twice !== -1) throw badInput(`${field}.${twice}.name`, 'a name that no other condition of the session has')
  return parsed
}

export const parseCondition = (condition: DoneConditionInput, field: string): NewCondition => ({
  name: parseInput(name, condition.name, `${field}.name`),
  ...parseConditionSpec(condition.spec, `${field}.spec`),
})
