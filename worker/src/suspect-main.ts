/** The child process in which suspects run; see consumers/suspects.ts. */
import { readConfigOrExit } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { endWithParent } from './consumers/end-with-parent.ts'
import { LAST_WORDS_MS, serveSuspects } from './consumers/serve-suspects.ts'
import { openParts } from './open-parts.ts'

const kind = process.argv[2] === 'crowd' ? 'crowd' : 'suspect'
const config = readConfigOrExit()
endWithParent(config.drainMs + 2 * LAST_WORDS_MS)
const parts = await openParts(config, createLogger({ name: 'suspect', level: config.logLevel }))
await serveSuspects(parts, { kind, leaseMs: config.leaseMs, renewMs: config.leaseRenewMs, drainMs: config.drainMs })
