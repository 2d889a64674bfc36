import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import type { Logger } from '../logger.ts'

/** What keeping house needs. */
export type HouseParts = { db: Pick<Database, 'app' | 'system'>; snapshots: SnapshotStore; logger: Logger }
