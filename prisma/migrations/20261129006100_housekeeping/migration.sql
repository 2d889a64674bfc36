-- What nobody can come back to goes for good. The platform alone removes it, and a session only once it was deleted.
GRANT DELETE ON "session", "checkpoint", "snapshot" TO longhaul_system;
GRANT SELECT ("forked_from_id") ON "session" TO longhaul_system;
GRANT SELECT ("problem"), UPDATE ("snapshot_id", "image_id") ON "checkpoint" TO longhaul_system;
GRANT SELECT ("id", "tenant_id", "session_id", "kind", "content_hash", "created_at") ON "snapshot" TO longhaul_system;

-- To lock one that is to go; there is nothing else it could change.
GRANT UPDATE ("deleted_at") ON "session" TO longhaul_system;
CREATE POLICY "session_purge_lock" ON "session" AS RESTRICTIVE FOR UPDATE TO longhaul_system USING ("deleted_at" IS NOT NULL);
CREATE POLICY "session_purge" ON "session" AS RESTRICTIVE FOR DELETE TO longhaul_system USING ("deleted_at" IS NOT NULL);

CREATE INDEX "session_deleted" ON "session" ("deleted_at") WHERE "deleted_at" IS NOT NULL;
CREATE INDEX IF NOT EXISTS "snapshot_content_hash_idx" ON "snapshot" ("content_hash");
CREATE INDEX "checkpoint_snapshot" ON "checkpoint" ("snapshot_id") WHERE "snapshot_id" IS NOT NULL;
