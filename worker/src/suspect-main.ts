/** The child process in which suspects run; see consumers/suspects.ts. */
import { readConfigOrExit } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { serveSuspects } from './consumers/serve-suspects.ts'
import { openParts } from './open-parts.ts'

const config = readConfigOrExit()
const parts = await openParts(config, createLogger({ name: 'suspect', level: config.logLevel }))
await serveSuspects(parts, { leaseMs: config.leaseMs, renewMs: config.leaseRenewMs, drainMs: config.drainMs })
