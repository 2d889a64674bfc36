-- A session's log as flat pieces, oldest first: what it inherits from others, then its own. Whoever reads a log reads it through these,
-- piece after piece, so that a fork costs neither its parent's length nor its depth. `thread_id` is the thread of this session as which
-- the events of `source_thread_id` are read. Row security is the reader's own.
create or replace view log_piece with (security_invoker = true) as
  select g.tenant_id, g.session_id, g.from_seq, g.to_seq, g.source_session_id, g.source_thread_id, s.primary_thread_id as thread_id
    from log_segment g join session s on s.id = g.session_id
  union all
  select tenant_id, id, base_seq + 1, head, id, primary_thread_id, primary_thread_id from session;

grant select on log_piece to longhaul_app;
