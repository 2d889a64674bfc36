-- How long a sandbox lives without work, and how long running processes keep it from being stopped.
ALTER TABLE "environment_version"
  ADD COLUMN "idle_seconds" INTEGER,
  ADD COLUMN "keep_awake_seconds" INTEGER NOT NULL DEFAULT 0;

-- The reaper stops what a dead worker left running, when it is due.
GRANT SELECT ("idle_seconds", "keep_awake_seconds") ON "environment_version" TO longhaul_system;
GRANT SELECT ("environment_version_id") ON "session" TO longhaul_system;
