-- Records a stored workspace. Sets the tenant itself: one round trip.
create or replace function save_snapshot(p_tenant text, p_session text, p_snapshot jsonb) returns void
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  insert into snapshot (id, tenant_id, session_id, kind, digest, content_hash, size_bytes)
  values (p_snapshot->>'id', p_tenant, p_session, p_snapshot->>'kind', p_snapshot->>'digest', p_snapshot->>'contentHash', (p_snapshot->>'sizeBytes')::bigint);
end $$;

-- {digest, contentHash, sizeBytes} of one of the tenant's snapshots, or null.
create or replace function read_snapshot(p_tenant text, p_snapshot text) returns jsonb
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select jsonb_build_object('digest', digest, 'contentHash', content_hash, 'sizeBytes', size_bytes) from snapshot where id = p_snapshot);
end $$;
