-- What a version's set-up is made from, as one word: image, network and script. Null where it has no script.
ALTER TABLE "environment_version" ADD COLUMN "setup_hash" TEXT;
ALTER TABLE "environment_version" NO FORCE ROW LEVEL SECURITY; -- the owner is under it too, and would see no row
UPDATE "environment_version" SET "setup_hash" = encode(sha256(convert_to("image" || E'\n' || "network" || E'\n' || "setup_script", 'UTF8')), 'hex')
  WHERE "setup_script" IS NOT NULL;
ALTER TABLE "environment_version" FORCE ROW LEVEL SECURITY;

CREATE TABLE "environment_build" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "environment_version_id" TEXT NOT NULL,
    "engine_id" TEXT NOT NULL,
    "setup_hash" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'asked',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "retry_at" TIMESTAMPTZ(6),
    "worker_id" TEXT,
    "key" TEXT,
    "base_image_id" TEXT,
    "image_id" TEXT,
    "exit_code" INTEGER,
    "failed_line" INTEGER,
    "problem" TEXT,
    "log" TEXT NOT NULL DEFAULT '',
    "log_truncated" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "environment_build_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "environment_build_tenant_id_id_key" ON "environment_build"("tenant_id", "id");
CREATE INDEX "environment_build_tenant_id_setup_hash_id_idx" ON "environment_build"("tenant_id", "setup_hash", "id");
-- One at a time, whoever waits for it; and what a worker of the engine looks for every second.
CREATE UNIQUE INDEX "environment_build_open_key" ON "environment_build"("engine_id", "tenant_id", "setup_hash") WHERE "state" IN ('asked', 'building');

ALTER TABLE "environment_build" ADD CONSTRAINT "environment_build_tenant_id_environment_version_id_fkey"
  FOREIGN KEY ("tenant_id", "environment_version_id") REFERENCES "environment_version"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "environment_build" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "environment_build_own" ON "environment_build" TO longhaul_app
  USING (tenant_id = current_setting('longhaul.tenant', true)) WITH CHECK (tenant_id = current_setting('longhaul.tenant', true));
CREATE POLICY "environment_build_system" ON "environment_build" TO longhaul_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON "environment_build" TO longhaul_app;
-- Never a log: it is what a tenant's script printed.
GRANT SELECT ("id", "tenant_id", "environment_version_id", "engine_id", "setup_hash", "state", "attempts", "retry_at", "worker_id", "key", "image_id",
  "created_at", "finished_at"), UPDATE ("state", "worker_id", "problem", "finished_at"), DELETE ON "environment_build" TO longhaul_system;
GRANT SELECT ("environment_id", "version", "setup_hash") ON "environment_version" TO longhaul_system;
GRANT SELECT ("latest_version", "archived_at") ON "environment" TO longhaul_system;
GRANT SELECT ("environment_version_id") ON "session" TO longhaul_system;
