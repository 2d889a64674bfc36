-- What people put into a session's workspace and is not in what its sandbox holds, in order: [{seq, path, kind, storedBytes, contentHash}].
-- p_after: the position of the files that a new sandbox was made from; what was put in after it is put in again, also what a fork
-- inherits. Null: the sandbox is the one that the log knows. What was put in before the files were taken back and lies in what that undid is not;
-- what came before, and an agent met only there, is.
create or replace function read_uploads(p_tenant text, p_session text, p_after int) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_undone jsonb;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select nullif(files_undone, '[]') into v_undone from session where id = p_session;
  return (select coalesce(jsonb_agg(jsonb_build_object('seq', x.seq, 'path', x.path, 'kind', x.kind, 'storedBytes', x.stored_bytes, 'contentHash', x.content_hash) order by x.seq), '[]')
    from (select u.* from upload u where u.session_id = p_session and (u.placed_seq is null or u.placed_seq > p_after or is_undone(v_undone, u.placed_seq))
      union all
      select u.* from log_piece p join upload u on u.session_id = p.source_session_id and u.placed_seq between greatest(p.from_seq, p_after + 1) and p.to_seq
      where p.session_id = p_session and p.source_session_id <> p_session and p_after is not null) x
    where v_undone is null or not is_undone(v_undone, x.seq));
end $$;
