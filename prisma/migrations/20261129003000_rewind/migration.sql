-- A session that is taken back to a checkpoint: what its context skips, and which checkpoints' files are not gone on from.
ALTER TABLE "thread" ADD COLUMN "undone" JSONB NOT NULL DEFAULT '[]';
ALTER TABLE "session" ADD COLUMN "files_checkpoint_id" TEXT, ADD COLUMN "files_undone" JSONB NOT NULL DEFAULT '[]';
GRANT SELECT ("files_checkpoint_id") ON "session" TO longhaul_system;

-- Files as they were are those of a checkpoint, and no longer of the newest one up to a position: that one may have been undone.
DROP FUNCTION IF EXISTS read_restore_points(text, text, integer);
ALTER TABLE "file_look" DROP COLUMN "at_seq", ADD COLUMN "checkpoint_id" TEXT, ADD COLUMN "against" JSONB;
