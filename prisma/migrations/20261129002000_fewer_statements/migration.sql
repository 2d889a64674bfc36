-- Functions whose places others have taken: see prisma/sql/spend_rows.sql, append_events.sql, change_session.sql.
DROP FUNCTION IF EXISTS lock_spend(text, text, text);
DROP FUNCTION IF EXISTS add_spend(reservation, bigint, bigint);
DROP FUNCTION IF EXISTS append_in_path(text, text, text, int, jsonb, jsonb, jsonb, jsonb);
DROP FUNCTION IF EXISTS change_in_path(text, text, jsonb, jsonb, jsonb, jsonb);
