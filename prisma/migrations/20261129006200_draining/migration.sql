-- An engine that is emptied: its workers take nothing more, and its sessions wait until they may go elsewhere.
ALTER TABLE "engine" ADD COLUMN "draining" BOOLEAN NOT NULL DEFAULT false;
