-- Engines that workers were seen with, so that a session whose engine is gone may go on at another.
CREATE TABLE "engine" (
    "id" TEXT NOT NULL,
    "absent_ms" INTEGER NOT NULL DEFAULT 0,
    "looked_at" TIMESTAMPTZ(6),
    "gone" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "engine_pkey" PRIMARY KEY ("id")
);

-- Those that sessions and workers of an older release know.
INSERT INTO "engine" ("id")
SELECT engine_id FROM "session" WHERE engine_id IS NOT NULL UNION SELECT engine_id FROM "lease" WHERE engine_id IS NOT NULL;

GRANT SELECT ON "engine" TO longhaul_app, longhaul_system;
GRANT INSERT, UPDATE, DELETE ON "engine" TO longhaul_system;

-- It takes another list of arguments from now on.
DROP FUNCTION IF EXISTS sweep_turns();
