import { createEnvironment } from '@longhaul/core/src/environments/create-environment.ts'
import { DEFAULT_ENVIRONMENT } from '@longhaul/core/src/environments/environment-definition.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { CreateEnvironmentInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, label, parseInput } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { environmentFields } from './environment-fields.ts'

const input = z.object({ name: label(), ...environmentFields, idempotencyKey })

export const createEnvironmentMutation = async (_: unknown, args: { input: CreateEnvironmentInput }, context: RequestContext) => {
  const { tenantId } = context.caller('ADMIN')
  const { idempotencyKey: key, name, ...given } = parseInput(input, args.input)
  const wanted = {
    name,
    image: given.image ?? DEFAULT_ENVIRONMENT.image,
    cpus: given.cpus ?? DEFAULT_ENVIRONMENT.cpus,
    memoryMb: given.memoryMb ?? DEFAULT_ENVIRONMENT.memoryMb,
    diskMb: given.diskMb ?? DEFAULT_ENVIRONMENT.diskMb,
    network: given.network ?? DEFAULT_ENVIRONMENT.network,
    allowedHosts: given.allowedHosts ?? DEFAULT_ENVIRONMENT.allowedHosts,
    setupScript: given.setupScript,
    idleSeconds: given.idleSeconds,
    keepAwakeSeconds: given.keepAwakeSeconds ?? DEFAULT_ENVIRONMENT.keepAwakeSeconds,
  }
  const { answer } = await answerOnce<{ environmentId: string }>(
    context.parts.db,
    { scope: tenantId, mutation: 'createEnvironment', key, input: { name, ...given } },
    (keep) => createEnvironment(context.parts.db, tenantId, wanted, keep),
  )
  return { environment: await loadOne(context.tenant(tenantId).load.environment, 'environment', answer.environmentId) }
}
