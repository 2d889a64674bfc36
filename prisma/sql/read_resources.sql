-- What is put into a session's workspace, in order. A fork's are those of the session that its log began with.
create or replace function read_resources(p_tenant text, p_session text)
returns table (kind text, path text, content bytea, url text, commit text)
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return query select r.kind, r.path, r.content, r.url, r.commit from session_resource r
    where r.session_id = coalesce((select g.source_session_id from log_segment g where g.session_id = p_session and g.from_seq = 1), p_session)
    order by r.position;
end $$;
