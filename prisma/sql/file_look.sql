-- What a look into a session's files asks, and the sandbox that it has at this moment on the engine that is asked; null where its files are a
-- checkpoint's: what it will go on from.
create or replace function read_file_look(p_tenant text, p_look text) returns jsonb
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select jsonb_build_object('id', id, 'tenantId', tenant_id, 'sessionId', session_id, 'op', op, 'path', path, 'atSeq', at_seq,
    'sandboxId', (select s.sandbox_id from session s where s.id = session_id and s.engine_id = file_look.engine_id)) from file_look where id = p_look);
end $$;

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
