
-- CreateTable
CREATE TABLE "agent" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "latest_version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "archived_at" TIMESTAMPTZ(6),

    CONSTRAINT "agent_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent_version" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "agent_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "model" TEXT NOT NULL,
    "judge_model" TEXT,
    "system" TEXT,
    "tools" JSONB NOT NULL DEFAULT '[]',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "agent_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "condition" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "last_evaluation_id" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "condition_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "evaluation" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "condition_id" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "seq" INTEGER NOT NULL,
    "verdict" TEXT NOT NULL,
    "explanation" TEXT NOT NULL,
    "evidence" JSONB NOT NULL,
    "workspace_digest" TEXT NOT NULL,
    "isolated" BOOLEAN NOT NULL,
    "cost_nanos" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "evaluation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "environment" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "latest_version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "archived_at" TIMESTAMPTZ(6),

    CONSTRAINT "environment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "environment_version" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "environment_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "image" TEXT NOT NULL DEFAULT 'default',
    "cpus" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "memory_mb" INTEGER NOT NULL DEFAULT 1024,
    "disk_mb" INTEGER NOT NULL DEFAULT 4096,
    "network" TEXT NOT NULL DEFAULT 'NONE',
    "allowed_hosts" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "setup_script" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "environment_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "budget" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "scope_id" TEXT NOT NULL,
    "period" TEXT NOT NULL,
    "set_by" TEXT NOT NULL,
    "limit_nanos" BIGINT NOT NULL,
    "alert_percents" INTEGER[] DEFAULT ARRAY[80, 100]::INTEGER[],
    "alerted_percent" INTEGER NOT NULL DEFAULT 0,
    "alerted_period" DATE,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "changed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "budget_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "spend" (
    "scope" TEXT NOT NULL,
    "scope_id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "day_spent" BIGINT NOT NULL DEFAULT 0,
    "day_reserved" BIGINT NOT NULL DEFAULT 0,
    "month" DATE NOT NULL,
    "month_spent" BIGINT NOT NULL DEFAULT 0,
    "month_reserved" BIGINT NOT NULL DEFAULT 0,
    "total_spent" BIGINT NOT NULL DEFAULT 0,
    "total_reserved" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "spend_pkey" PRIMARY KEY ("scope","scope_id")
);

-- CreateTable
CREATE TABLE "reservation" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "thread_id" TEXT NOT NULL,
    "turn_id" TEXT NOT NULL,
    "agent_id" TEXT NOT NULL,
    "worker_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "amount_nanos" BIGINT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'held',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "reservation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "charge" (
    "reservation_id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "agent_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "cost_nanos" BIGINT NOT NULL,
    "input_tokens" BIGINT NOT NULL DEFAULT 0,
    "output_tokens" BIGINT NOT NULL DEFAULT 0,
    "cache_read_tokens" BIGINT NOT NULL DEFAULT 0,
    "cache_write_tokens" BIGINT NOT NULL DEFAULT 0,
    "request_id" TEXT,
    "basis" TEXT NOT NULL,
    "reserved_at" TIMESTAMPTZ(6) NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "charge_pkey" PRIMARY KEY ("reservation_id")
);

-- CreateTable
CREATE TABLE "session" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "title" TEXT,
    "prompt" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'QUEUED',
    "stop_reason" TEXT,
    "activity" TEXT,
    "agent_id" TEXT NOT NULL,
    "agent_version_id" TEXT NOT NULL,
    "environment_id" TEXT NOT NULL,
    "environment_version_id" TEXT NOT NULL,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "primary_thread_id" TEXT NOT NULL,
    "head" INTEGER NOT NULL DEFAULT 0,
    "base_seq" INTEGER NOT NULL DEFAULT 0,
    "forked_from_id" TEXT,
    "head_hash" TEXT NOT NULL DEFAULT '',
    "input_tokens" BIGINT NOT NULL DEFAULT 0,
    "output_tokens" BIGINT NOT NULL DEFAULT 0,
    "cache_read_tokens" BIGINT NOT NULL DEFAULT 0,
    "cache_write_tokens" BIGINT NOT NULL DEFAULT 0,
    "turns" INTEGER NOT NULL DEFAULT 0,
    "tool_calls" INTEGER NOT NULL DEFAULT 0,
    "active_ms" BIGINT NOT NULL DEFAULT 0,
    "sandbox_ms" BIGINT NOT NULL DEFAULT 0,
    "max_evaluations" INTEGER NOT NULL DEFAULT 10,
    "evaluation_rounds" INTEGER NOT NULL DEFAULT 0,
    "rounds_since_message" INTEGER NOT NULL DEFAULT 0,
    "control" TEXT,
    "engine_id" TEXT,
    "sandbox_id" TEXT,
    "sandbox_state" TEXT,
    "sandbox_provider" TEXT,
    "sandbox_image" TEXT,
    "sandbox_used_at" TIMESTAMPTZ(6),
    "baseline_snapshot_id" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completed_at" TIMESTAMPTZ(6),
    "deleted_at" TIMESTAMPTZ(6),

    CONSTRAINT "session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "thread" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "parent_id" TEXT,
    "context_from_seq" INTEGER NOT NULL DEFAULT 1,
    "context_tokens" INTEGER NOT NULL DEFAULT 0,
    "cost_nanos" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "thread_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event" (
    "session_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "thread_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "payload_hash" TEXT NOT NULL,
    "salt" TEXT,
    "hash" TEXT NOT NULL,
    "cost_nanos" BIGINT,
    "created_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "event_pkey" PRIMARY KEY ("session_id","seq")
);

-- CreateTable
CREATE TABLE "unread_message" (
    "session_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "thread_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,

    CONSTRAINT "unread_message_pkey" PRIMARY KEY ("session_id","seq")
);

-- CreateTable
CREATE TABLE "session_resource" (
    "session_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "content" BYTEA,
    "url" TEXT,
    "ref" TEXT,
    "commit" TEXT,

    CONSTRAINT "session_resource_pkey" PRIMARY KEY ("session_id","position")
);

-- CreateTable
CREATE TABLE "snapshot" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "snapshot_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "checkpoint" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "thread_id" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'asked',
    "seq" INTEGER,
    "label" TEXT,
    "trigger" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "context" JSONB,
    "engine_id" TEXT,
    "image_id" TEXT,
    "snapshot_id" TEXT,
    "taken_by" TEXT,
    "problem" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "checkpoint_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "log_segment" (
    "session_id" TEXT NOT NULL,
    "from_seq" INTEGER NOT NULL,
    "to_seq" INTEGER NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "source_session_id" TEXT NOT NULL,
    "source_thread_id" TEXT NOT NULL,

    CONSTRAINT "log_segment_pkey" PRIMARY KEY ("session_id","from_seq")
);

-- CreateTable
CREATE TABLE "tenant" (
    "id" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'ACTIVE',
    "max_concurrent_sessions" INTEGER NOT NULL DEFAULT 100,
    "backlog_limit" INTEGER NOT NULL DEFAULT 10000,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(6),
    "expires_at" TIMESTAMPTZ(6),
    "revoked_at" TIMESTAMPTZ(6),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "tenant_id" TEXT NOT NULL,
    "mutation" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "result" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("tenant_id","mutation","key")
);

-- CreateTable
CREATE TABLE "installation" (
    "key" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "installation_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "turn" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "thread_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "wait_reason" TEXT,
    "wait_scope" TEXT,
    "wake_no" INTEGER NOT NULL DEFAULT 0,
    "wakes" INTEGER NOT NULL DEFAULT 0,
    "woken_at" TIMESTAMPTZ(6),
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "suspect" BOOLEAN NOT NULL DEFAULT false,
    "alone" BOOLEAN NOT NULL DEFAULT false,
    "crashes" INTEGER NOT NULL DEFAULT 0,
    "round" INTEGER NOT NULL DEFAULT 0,
    "outcome" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(6),

    CONSTRAINT "turn_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "claim" (
    "thread_id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "worker_id" TEXT,
    "turn_id" TEXT,
    "claimed_at" TIMESTAMPTZ(6),

    CONSTRAINT "claim_pkey" PRIMARY KEY ("thread_id")
);

-- CreateTable
CREATE TABLE "lease" (
    "worker_id" TEXT NOT NULL,
    "engine_id" TEXT,
    "kind" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "lease_pkey" PRIMARY KEY ("worker_id")
);

-- CreateTable
CREATE TABLE "file_look" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "engine_id" TEXT NOT NULL,
    "op" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "at_seq" INTEGER,
    "state" TEXT NOT NULL DEFAULT 'asked',
    "answer" JSONB,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "file_look_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "agent_tenant_id_id_key" ON "agent"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "agent_version_agent_id_version_key" ON "agent_version"("agent_id", "version");

-- CreateIndex
CREATE UNIQUE INDEX "agent_version_tenant_id_id_key" ON "agent_version"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "condition_tenant_id_id_key" ON "condition"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "condition_session_id_name_key" ON "condition"("session_id", "name");

-- CreateIndex
CREATE INDEX "evaluation_session_id_id_idx" ON "evaluation"("session_id", "id");

-- CreateIndex
CREATE INDEX "evaluation_condition_id_idx" ON "evaluation"("condition_id");

-- CreateIndex
CREATE UNIQUE INDEX "environment_tenant_id_id_key" ON "environment"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "environment_version_environment_id_version_key" ON "environment_version"("environment_id", "version");

-- CreateIndex
CREATE UNIQUE INDEX "environment_version_tenant_id_id_key" ON "environment_version"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "budget_tenant_id_id_idx" ON "budget"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "budget_scope_scope_id_period_set_by_key" ON "budget"("scope", "scope_id", "period", "set_by");

-- CreateIndex
CREATE INDEX "reservation_session_id_idx" ON "reservation"("session_id");

-- CreateIndex
CREATE INDEX "charge_tenant_id_reserved_at_idx" ON "charge"("tenant_id", "reserved_at");

-- CreateIndex
CREATE INDEX "charge_session_id_idx" ON "charge"("session_id");

-- CreateIndex
CREATE INDEX "session_tenant_id_status_id_idx" ON "session"("tenant_id", "status", "id");

-- CreateIndex
CREATE INDEX "session_tenant_id_agent_id_id_idx" ON "session"("tenant_id", "agent_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "session_tenant_id_id_key" ON "session"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "thread_session_id_idx" ON "thread"("session_id");

-- CreateIndex
CREATE UNIQUE INDEX "thread_tenant_id_id_key" ON "thread"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "event_session_id_thread_id_seq_idx" ON "event"("session_id", "thread_id", "seq");

-- CreateIndex
CREATE INDEX "snapshot_session_id_idx" ON "snapshot"("session_id");

-- CreateIndex
CREATE UNIQUE INDEX "snapshot_tenant_id_id_key" ON "snapshot"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "session_forked_from_id_idx" ON "session"("forked_from_id");

-- CreateIndex
CREATE INDEX "checkpoint_session_id_seq_idx" ON "checkpoint"("session_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "checkpoint_tenant_id_id_key" ON "checkpoint"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "log_segment_source_session_id_idx" ON "log_segment"("source_session_id");

-- CreateIndex
CREATE UNIQUE INDEX "tenant_slug_key" ON "tenant"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_prefix_key" ON "api_key"("prefix");

-- CreateIndex
CREATE INDEX "api_key_tenant_id_id_idx" ON "api_key"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "idempotency_key_created_at_idx" ON "idempotency_key"("created_at");

-- CreateIndex
CREATE INDEX "turn_session_id_idx" ON "turn"("session_id");

-- CreateIndex
CREATE INDEX "claim_worker_id_idx" ON "claim"("worker_id");

-- CreateIndex
CREATE INDEX "file_look_engine_id_state_idx" ON "file_look"("engine_id", "state");

-- CreateIndex
CREATE INDEX "file_look_created_at_idx" ON "file_look"("created_at");

-- AddForeignKey
ALTER TABLE "agent" ADD CONSTRAINT "agent_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_version" ADD CONSTRAINT "agent_version_tenant_id_agent_id_fkey" FOREIGN KEY ("tenant_id", "agent_id") REFERENCES "agent"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "condition" ADD CONSTRAINT "condition_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "evaluation" ADD CONSTRAINT "evaluation_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "evaluation" ADD CONSTRAINT "evaluation_tenant_id_condition_id_fkey" FOREIGN KEY ("tenant_id", "condition_id") REFERENCES "condition"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "environment" ADD CONSTRAINT "environment_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "environment_version" ADD CONSTRAINT "environment_version_tenant_id_environment_id_fkey" FOREIGN KEY ("tenant_id", "environment_id") REFERENCES "environment"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "reservation" ADD CONSTRAINT "reservation_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "charge" ADD CONSTRAINT "charge_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_tenant_id_agent_id_fkey" FOREIGN KEY ("tenant_id", "agent_id") REFERENCES "agent"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_tenant_id_agent_version_id_fkey" FOREIGN KEY ("tenant_id", "agent_version_id") REFERENCES "agent_version"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_tenant_id_environment_id_fkey" FOREIGN KEY ("tenant_id", "environment_id") REFERENCES "environment"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_tenant_id_environment_version_id_fkey" FOREIGN KEY ("tenant_id", "environment_version_id") REFERENCES "environment_version"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "thread" ADD CONSTRAINT "thread_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "event" ADD CONSTRAINT "event_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "unread_message" ADD CONSTRAINT "unread_message_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session_resource" ADD CONSTRAINT "session_resource_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "snapshot" ADD CONSTRAINT "snapshot_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_tenant_id_forked_from_id_fkey" FOREIGN KEY ("tenant_id", "forked_from_id") REFERENCES "checkpoint"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "log_segment" ADD CONSTRAINT "log_segment_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "log_segment" ADD CONSTRAINT "log_segment_tenant_id_source_session_id_fkey" FOREIGN KEY ("tenant_id", "source_session_id") REFERENCES "session"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "checkpoint" ADD CONSTRAINT "checkpoint_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "checkpoint" ADD CONSTRAINT "checkpoint_tenant_id_snapshot_id_fkey" FOREIGN KEY ("tenant_id", "snapshot_id") REFERENCES "snapshot"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "turn" ADD CONSTRAINT "turn_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "claim" ADD CONSTRAINT "claim_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;


-- AddForeignKey
ALTER TABLE "file_look" ADD CONSTRAINT "file_look_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "session"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's models can't say.

CREATE UNIQUE INDEX "turn_one_open_per_thread" ON "turn" ("thread_id") WHERE "state" <> 'settled';
CREATE INDEX "turn_due" ON "turn" ("tenant_id", "due_at") WHERE "state" = 'due';
CREATE INDEX "turn_slots" ON "turn" ("tenant_id") WHERE "woken_at" IS NOT NULL AND "state" IN ('due', 'running');
CREATE INDEX "turn_waiting" ON "turn" ("tenant_id", "wait_scope") WHERE "state" = 'waiting';
CREATE INDEX "turn_waiting_until" ON "turn" ("due_at") WHERE "state" = 'waiting';
CREATE INDEX "turn_waiting_held" ON "turn" ("wait_scope") WHERE "state" = 'waiting' AND "wait_reason" = 'budget';
CREATE INDEX "reservation_held" ON "reservation" ("worker_id") WHERE "state" = 'held';
CREATE UNIQUE INDEX "evaluation_one_verdict" ON "evaluation" ("session_id", "round", "condition_id") WHERE "verdict" <> 'ERROR';
CREATE INDEX "checkpoint_wanted" ON "checkpoint" ("created_at") WHERE "state" IN ('asked', 'taking');
CREATE INDEX "checkpoint_image" ON "checkpoint" ("engine_id", "created_at") WHERE "image_id" IS NOT NULL AND "snapshot_id" IS NULL;
CREATE UNIQUE INDEX "api_key_one_operator" ON "api_key" ("role") WHERE "role" = 'OPERATOR' AND "revoked_at" IS NULL;
CREATE INDEX "session_title_search" ON "session" ("tenant_id", lower("title"));

ALTER TABLE "tenant" ADD CHECK ("status" IN ('ACTIVE', 'SUSPENDED')), ADD CHECK ("max_concurrent_sessions" > 0);
ALTER TABLE "api_key" ADD CHECK ("role" IN ('OPERATOR', 'ADMIN', 'MEMBER', 'VIEWER')), ADD CHECK (("role" = 'OPERATOR') = ("tenant_id" IS NULL));
ALTER TABLE "session" ADD CHECK ("status" IN ('QUEUED', 'RUNNING', 'IDLE', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELED')),
  ADD CHECK ("control" IN ('pause', 'interrupt'));
ALTER TABLE "turn" ADD CHECK ("kind" IN ('work', 'evaluate', 'compact')), ADD CHECK ("state" IN ('due', 'running', 'waiting', 'settled'));
ALTER TABLE "condition" ADD CHECK ("kind" IN ('COMMAND', 'FILE', 'UNCHANGED', 'RUBRIC')), ADD CHECK ("status" IN ('PENDING', 'SATISFIED', 'UNSATISFIED', 'WAIVED'));
ALTER TABLE "evaluation" ADD CHECK ("verdict" IN ('SATISFIED', 'UNSATISFIED', 'BLOCKED', 'ERROR'));
ALTER TABLE "checkpoint" ADD CHECK ("state" IN ('asked', 'taking', 'whole', 'failed')),
  ADD CHECK ("trigger" IN ('CADENCE', 'SUSPEND', 'MANUAL', 'BEFORE_RESET', 'BEFORE_EVALUATION', 'FORK')),
  ADD CHECK ("state" <> 'whole' OR ("seq" IS NOT NULL AND "context" IS NOT NULL));
ALTER TABLE "log_segment" ADD CHECK ("from_seq" >= 1 AND "to_seq" >= "from_seq"), ADD CHECK ("session_id" <> "source_session_id");
ALTER TABLE "budget" ADD CHECK ("scope" IN ('TENANT', 'AGENT', 'SESSION')), ADD CHECK ("period" IN ('DAY', 'MONTH', 'LIFETIME')),
  ADD CHECK ("set_by" IN ('OPERATOR', 'TENANT')), ADD CHECK ("limit_nanos" >= 0);
ALTER TABLE "reservation" ADD CHECK ("state" IN ('held', 'settled', 'presumed')), ADD CHECK ("amount_nanos" >= 0);
ALTER TABLE "charge" ADD CHECK ("cost_nanos" >= 0), ADD CHECK ("basis" IN ('exact', 'estimated', 'presumed'));

-- Row security, forced from the first migration: no tenant set, no rows; another tenant set, none of ours.

ALTER TABLE "tenant" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_own" ON "tenant" TO longhaul_app
  USING ("id" = current_setting('longhaul.tenant', true)) WITH CHECK ("id" = current_setting('longhaul.tenant', true));
CREATE POLICY "tenant_system" ON "tenant" TO longhaul_system USING (true);

DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant_id' LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I TO longhaul_app USING (tenant_id = current_setting(''longhaul.tenant'', true)) WITH CHECK (tenant_id = current_setting(''longhaul.tenant'', true))', t || '_own', t);
    EXECUTE format('CREATE POLICY %I ON %I TO longhaul_system USING (true)', t || '_system', t);
  END LOOP;
END $$;

GRANT USAGE ON SCHEMA public TO longhaul_app, longhaul_system;

-- The application: a tenant's work. The log can be added to and read, nothing else.
GRANT SELECT, INSERT ON "event", "agent_version", "environment_version", "evaluation", "session_resource", "snapshot", "log_segment" TO longhaul_app;
GRANT SELECT, INSERT, UPDATE ON "tenant", "api_key", "agent", "environment", "session", "thread", "turn", "claim", "condition",
  "spend", "reservation", "charge", "idempotency_key" TO longhaul_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON "budget", "unread_message" TO longhaul_app;
GRANT SELECT, INSERT, UPDATE ON "file_look", "checkpoint" TO longhaul_app;
GRANT SELECT ON "lease", "installation" TO longhaul_app;

-- The platform itself: routing columns across tenants, never a payload, a prompt or a file.
GRANT SELECT ON "tenant", "api_key", "turn", "claim", "lease", "spend", "installation" TO longhaul_system;
GRANT INSERT, UPDATE, DELETE ON "lease" TO longhaul_system;
GRANT INSERT ON "api_key" TO longhaul_system;
GRANT UPDATE ("last_used_at", "revoked_at") ON "api_key" TO longhaul_system;
GRANT SELECT ("id", "tenant_id", "status", "stop_reason", "control", "head", "engine_id", "sandbox_id", "sandbox_state", "sandbox_image", "sandbox_used_at", "created_at", "updated_at", "deleted_at")
  ON "session" TO longhaul_system;
GRANT UPDATE ("state", "due_at", "wait_reason", "wait_scope", "wake_no", "wakes", "woken_at", "suspect", "alone", "crashes") ON "turn" TO longhaul_system;
GRANT UPDATE ("worker_id", "turn_id") ON "claim" TO longhaul_system;
GRANT SELECT ("id", "tenant_id", "session_id", "thread_id", "worker_id", "state", "created_at") ON "reservation" TO longhaul_system;
GRANT SELECT ("id", "tenant_id") ON "agent", "environment", "agent_version", "environment_version", "condition", "evaluation", "budget", "thread" TO longhaul_system;
GRANT SELECT ("tenant_id", "mutation", "key", "created_at"), DELETE ON "idempotency_key" TO longhaul_system;
GRANT SELECT ("id", "tenant_id", "engine_id", "state", "created_at"), UPDATE ("state"), DELETE ON "file_look" TO longhaul_system;
GRANT SELECT ("id", "tenant_id", "session_id", "thread_id", "state", "seq", "trigger", "engine_id", "image_id", "snapshot_id", "taken_by", "created_at"),
  UPDATE ("state", "problem") ON "checkpoint" TO longhaul_system;
GRANT SELECT ON "log_segment" TO longhaul_system;
-- Its policy for all commands would let it make keys of any tenant.
DROP POLICY "api_key_system" ON "api_key";
CREATE POLICY "api_key_system_read" ON "api_key" FOR SELECT TO longhaul_system USING (true);
CREATE POLICY "api_key_system_update" ON "api_key" FOR UPDATE TO longhaul_system USING (true);
CREATE POLICY "api_key_operator" ON "api_key" FOR INSERT TO longhaul_system WITH CHECK ("tenant_id" IS NULL);
