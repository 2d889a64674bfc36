/** The suspects' process of crash-worker.ts: it has the same tool that kills. */
import { readConfigOrExit } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { endWithParent } from '../src/consumers/end-with-parent.ts'
import { LAST_WORDS_MS, serveSuspects } from '../src/consumers/serve-suspects.ts'
import { openParts } from '../src/open-parts.ts'
import { withPoison } from './poison-tool.ts'

const kind = process.argv[2] === 'crowd' ? ('crowd' as const) : ('suspect' as const)
const config = readConfigOrExit()
endWithParent(config.drainMs + 2 * LAST_WORDS_MS)
const parts = await openParts(config, createLogger({ name: 'suspect', level: config.logLevel }))
const options = { kind, leaseMs: config.leaseMs, renewMs: config.leaseRenewMs, drainMs: config.drainMs }
await serveSuspects({ ...parts, tools: withPoison(parts.tools) }, options)
