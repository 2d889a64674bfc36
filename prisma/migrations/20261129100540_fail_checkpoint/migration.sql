-- It takes another list of arguments from now on: see prisma/sql/checkpoints.sql.
DROP FUNCTION IF EXISTS fail_checkpoint(text, text, text, boolean);
