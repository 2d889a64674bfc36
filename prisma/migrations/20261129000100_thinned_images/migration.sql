-- The reaper says in a checkpoint's row that its image goes, before it goes: prisma/sql/checkpoints.sql, thin_checkpoints.
GRANT SELECT ("problem"), UPDATE ("image_id") ON "checkpoint" TO longhaul_system;
