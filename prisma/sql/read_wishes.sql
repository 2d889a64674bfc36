-- A person's wish that the session's running turn has not obeyed yet.
create or replace function read_control(p_tenant text, p_session text) returns text
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select control from session where id = p_session);
end $$;

-- Messages of a thread that no turn has read yet: [{seq, mode}], oldest first.
create or replace function read_unread(p_tenant text, p_session text, p_thread text) returns jsonb
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'mode', mode) order by seq), '[]') from unread_message
    where session_id = p_session and thread_id = p_thread);
end $$;
