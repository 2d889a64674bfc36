-- What a look into a session's files asks, and the sandbox that it has at this moment on the engine that is asked; null where its files are a
-- checkpoint's: what it will go on from.
create or replace function read_file_look(p_tenant text, p_look text) returns jsonb
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select jsonb_build_object('id', id, 'tenantId', tenant_id, 'sessionId', session_id, 'op', op, 'path', path, 'checkpointId', checkpoint_id,
    'sandboxId', (select s.sandbox_id from session s where s.id = session_id and s.engine_id = file_look.engine_id)) from file_look where id = p_look);
end $$;

create or replace function answer_file_look(p_tenant text, p_look text, p_answer jsonb) returns void
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  update file_look set state = 'answered', answer = p_answer where id = p_look;
end $$;
