-- What has become of a session's sandbox that no turn uses: the log says so, unless it is another one by now (p_sandbox; null for whichever it
-- is), it was not p_was any more, or a turn has begun, which finds out by itself. Its id stands until one is made anew, so that the agent
-- reads what was lost. Returns {sessionId, head}, or null where nothing was written.
create or replace function note_sandbox(p_tenant text, p_session text, p_sandbox text, p_was text, p_state text) returns jsonb
language plpgsql set search_path = public as $$
declare
  s session;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into s from session where id = p_session and deleted_at is null for no key update;
  if not found or s.sandbox_state is distinct from p_was or s.sandbox_id is distinct from coalesce(p_sandbox, s.sandbox_id)
    or exists (select from claim where session_id = p_session and worker_id is not null) then
    return null;
  end if;
  s := append_to_log(s, s.primary_thread_id, jsonb_build_array(jsonb_build_object('type', 'sandbox.state', 'actor', 'platform', 'payload',
    jsonb_build_object('v', 1, 'state', p_state, 'sandboxId', s.sandbox_id, 'provider', s.sandbox_provider, 'engineId', s.engine_id, 'image', s.sandbox_image,
      'isolated', s.sandbox_provider <> 'process'))));
  perform store_projection(s);
  return jsonb_build_object('sessionId', s.id, 'head', s.head);
end $$;
