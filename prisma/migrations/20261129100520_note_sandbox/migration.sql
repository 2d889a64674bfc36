-- Both are note_sandbox now: see prisma/sql/note_sandbox.sql.
DROP FUNCTION IF EXISTS suspend_sandbox(text, text);
DROP FUNCTION IF EXISTS record_gone(text, text, text);
