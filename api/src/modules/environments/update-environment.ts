import { updateEnvironment } from '@longhaul/core/src/environments/update-environment.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { UpdateEnvironmentInput } from '../../generated/resolver-types.ts'
import { label, optional, parseInput, wholeNumber } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { environmentFields } from './environment-fields.ts'

const input = z.object({
  id: z.string(),
  expectedVersion: optional(wholeNumber(1, 1_000_000_000)),
  name: optional(label()),
  ...environmentFields,
})

/** What is left out stays; a null takes the set-up script or the idle time away. */
export const updateEnvironmentMutation = async (_: unknown, args: { input: UpdateEnvironmentInput }, context: RequestContext) => {
  const { tenantId } = context.caller('ADMIN')
  const { load } = await context.locate('environment', args.input.id)
  const parsed = parseInput(input, args.input)
  await updateEnvironment(context.parts.db, tenantId, {
    id: parsed.id,
    expectedVersion: parsed.expectedVersion,
    name: parsed.name ?? undefined,
    image: parsed.image ?? undefined,
    cpus: parsed.cpus ?? undefined,
    memoryMb: parsed.memoryMb ?? undefined,
    diskMb: parsed.diskMb ?? undefined,
    network: parsed.network ?? undefined,
    allowedHosts: parsed.allowedHosts ?? undefined,
    setupScript: args.input.setupScript === undefined ? undefined : parsed.setupScript,
    idleSeconds: args.input.idleSeconds === undefined ? undefined : parsed.idleSeconds,
    keepAwakeSeconds: parsed.keepAwakeSeconds ?? undefined,
  })
  return { environment: await loadOne(load.environment, 'environment', parsed.id) }
}
