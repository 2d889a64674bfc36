-- CreateTable
CREATE TABLE "upload" (
    "session_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "stored_bytes" BIGINT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "placed_seq" INTEGER,

    CONSTRAINT "upload_pkey" PRIMARY KEY ("session_id","seq")
);

-- CreateTable
CREATE TABLE "open_upload" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "length_bytes" BIGINT NOT NULL,
    "received_bytes" BIGINT NOT NULL DEFAULT 0,
    "seq" INTEGER,
    "expires_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "open_upload_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "open_upload_part" (
    "upload_id" TEXT NOT NULL,
    "from_byte" BIGINT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "content_hash" TEXT NOT NULL,

    CONSTRAINT "open_upload_part_pkey" PRIMARY KEY ("upload_id","from_byte")
);

-- CreateTable
CREATE TABLE "download" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "asked" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "left_out" INTEGER NOT NULL,
    "expires_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "download_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "upload_content_hash_idx" ON "upload"("content_hash");

-- CreateIndex
CREATE INDEX "open_upload_tenant_id_expires_at_idx" ON "open_upload"("tenant_id", "expires_at");

-- CreateIndex
CREATE INDEX "open_upload_session_id_idx" ON "open_upload"("session_id");

-- CreateIndex
CREATE UNIQUE INDEX "open_upload_tenant_id_id_key" ON "open_upload"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "open_upload_part_content_hash_idx" ON "open_upload_part"("content_hash");

-- CreateIndex
CREATE INDEX "download_session_id_content_hash_idx" ON "download"("session_id", "content_hash");

-- CreateIndex
CREATE INDEX "download_content_hash_idx" ON "download"("content_hash");

-- CreateIndex
CREATE INDEX "download_expires_at_idx" ON "download"("expires_at");

-- AddForeignKey
ALTER TABLE "upload" ADD CONSTRAINT "upload_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "open_upload" ADD CONSTRAINT "open_upload_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "open_upload_part" ADD CONSTRAINT "open_upload_part_tenant_id_upload_id_fkey" FOREIGN KEY ("tenant_id", "upload_id") REFERENCES "open_upload"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "download" ADD CONSTRAINT "download_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's models can't say.

CREATE INDEX "upload_waiting" ON "upload" ("session_id") WHERE "placed_seq" IS NULL;
ALTER TABLE "upload" ADD CHECK ("kind" IN ('file', 'folder')), ADD CHECK ("stored_bytes" >= 0);
ALTER TABLE "open_upload" ADD CHECK ("kind" IN ('file', 'tar', 'tar.gz')), ADD CHECK ("received_bytes" BETWEEN 0 AND "length_bytes");

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['upload', 'open_upload', 'open_upload_part', 'download'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I TO longhaul_app USING (tenant_id = current_setting(''longhaul.tenant'', true)) WITH CHECK (tenant_id = current_setting(''longhaul.tenant'', true))', t || '_own', t);
    EXECUTE format('CREATE POLICY %I ON %I TO longhaul_system USING (true)', t || '_system', t);
  END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON "upload" TO longhaul_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON "open_upload", "open_upload_part", "download" TO longhaul_app;
-- Whose bytes the store holds: digests and times, never a path.
GRANT SELECT ("session_id", "seq", "tenant_id", "content_hash") ON "upload" TO longhaul_system;
GRANT SELECT ("id", "tenant_id", "expires_at"), DELETE ON "open_upload" TO longhaul_system;
GRANT SELECT ("upload_id", "tenant_id", "content_hash") ON "open_upload_part" TO longhaul_system;
GRANT SELECT ("id", "tenant_id", "content_hash", "expires_at"), DELETE ON "download" TO longhaul_system;
GRANT SELECT ("id", "tenant_id", "content_hash") ON "snapshot" TO longhaul_system;
CREATE INDEX "snapshot_content_hash_idx" ON "snapshot"("content_hash");
