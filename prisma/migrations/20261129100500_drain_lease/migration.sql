-- Whose lease an engine's emptying stands and falls with: who was killed midway must not leave its workers without work.
ALTER TABLE "engine" ADD COLUMN "drained_by" TEXT;
