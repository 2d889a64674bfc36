-- How a tenant's checkpoints that nobody asked for thin out with age. The defaults are what held for everybody before.
ALTER TABLE "tenant"
  ADD COLUMN "checkpoint_all_hours" INTEGER NOT NULL DEFAULT 1,
  ADD COLUMN "checkpoint_hourly_days" INTEGER NOT NULL DEFAULT 1,
  ADD COLUMN "checkpoint_daily_days" INTEGER;
