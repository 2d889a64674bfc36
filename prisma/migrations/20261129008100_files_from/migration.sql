-- A checkpoint that was taken while no sandbox was there has no files of its own: it is gone back to through another one's, which must stay.
ALTER TABLE "checkpoint" ADD COLUMN "files_from_id" TEXT;
CREATE INDEX "checkpoint_files_from" ON "checkpoint" ("files_from_id") WHERE "files_from_id" IS NOT NULL;
CREATE INDEX "session_files_checkpoint" ON "session" ("files_checkpoint_id") WHERE "files_checkpoint_id" IS NOT NULL;
GRANT SELECT ("files_from_id") ON "checkpoint" TO longhaul_system;

-- Those that are there lean on the newest of their own session that has files, or had.
ALTER TABLE "checkpoint" NO FORCE ROW LEVEL SECURITY; -- the owner is under it too
UPDATE "checkpoint" k SET "files_from_id" = (
    SELECT o."id" FROM "checkpoint" o WHERE o."session_id" = k."session_id" AND o."state" = 'whole' AND o."seq" <= k."seq" AND o."problem" IS NULL
      AND (o."image_id" IS NOT NULL OR o."snapshot_id" IS NOT NULL) AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(COALESCE(k."context"->'filesUndone', '[]')) r WHERE o."seq" BETWEEN (r->>0)::int AND (r->>1)::int)
    ORDER BY o."seq" DESC, o."created_at" DESC LIMIT 1)
  WHERE k."state" = 'whole' AND k."problem" IS NULL AND k."image_id" IS NULL AND k."snapshot_id" IS NULL;
ALTER TABLE "checkpoint" FORCE ROW LEVEL SECURITY;
