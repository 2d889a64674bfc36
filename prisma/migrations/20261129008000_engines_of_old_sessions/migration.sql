-- Engines of sessions that an older release made. 20261129006000_engines asked for them under row security, which hides every session from
-- the owner too: one whose workers were all away at that moment was known to nobody, and never counted as gone.
ALTER TABLE "session" NO FORCE ROW LEVEL SECURITY;
INSERT INTO "engine" ("id") SELECT DISTINCT "engine_id" FROM "session" WHERE "engine_id" IS NOT NULL ON CONFLICT DO NOTHING;
ALTER TABLE "session" FORCE ROW LEVEL SECURITY;
