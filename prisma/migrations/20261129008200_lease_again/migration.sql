-- It takes another list of arguments from now on: see prisma/sql/leases.sql.
DROP FUNCTION IF EXISTS start_lease(text, text, text, text, int, int);
