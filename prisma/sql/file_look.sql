-- What a look into a session's files asks, and what is known of those files at this moment. For a diff the same of what it is compared with.
create or replace function read_file_look(p_tenant text, p_look text) returns jsonb
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select jsonb_build_object('id', id, 'tenantId', tenant_id, 'op', op, 'path', path, 'checkpointId', checkpoint_id,
      'against', case when against is not null then against || places_of_files(against->>'sessionId', engine_id) end) || places_of_files(session_id, engine_id)
    from file_look where id = p_look);
end $$;

-- `sandboxId`: null where the files are a checkpoint's, which is what the session will go on from: also where the engine that has the
-- sandbox is gone and another one is asked. `engineId`: who has it; `baselineSnapshotId`: how they were at the start.
create or replace function places_of_files(p_session text, p_engine text) returns jsonb
language sql stable set search_path = public as $$
  select jsonb_build_object('sessionId', id, 'sandboxId', case when engine_id = p_engine or not engine_gone(engine_id) then sandbox_id end,
    'engineId', engine_id, 'baselineSnapshotId', baseline_snapshot_id) from session where id = p_session
$$;

create or replace function answer_file_look(p_tenant text, p_look text, p_answer jsonb) returns void
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  update file_look set state = 'answered', answer = p_answer where id = p_look;
end $$;

-- The answer of who stored something, and its row, without which it would be nobody's. p_download {id, asked, sizeBytes, contentHash, leftOut, keepMs}.
create or replace function answer_file_fetch(p_tenant text, p_look text, p_answer jsonb, p_download jsonb) returns void
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  update file_look set state = 'answered', answer = p_answer where id = p_look;
  insert into download (id, tenant_id, session_id, asked, size_bytes, content_hash, left_out, expires_at)
  select p_download->>'id', p_tenant, l.session_id, p_download->>'asked', (p_download->>'sizeBytes')::bigint, p_download->>'contentHash',
    (p_download->>'leftOut')::int, clock_timestamp() + (p_download->>'keepMs')::int * interval '1 millisecond' from file_look l where l.id = p_look;
end $$;
