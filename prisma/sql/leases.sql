-- A worker's sign of life, by this clock only. Returns {alive, draining, claims: [{tenantId, threadId, turnId, sessionId, epoch, control}]}: what it holds,
-- and what people want of it, so that a lost announcement costs one renewal. alive: false means that every claim is lost.
create or replace function renew_lease(p_worker text, p_lease_ms int) returns jsonb
language plpgsql set search_path = public as $$
begin
  update lease set expires_at = clock_timestamp() + p_lease_ms * interval '1 millisecond' where worker_id = p_worker and expires_at > clock_timestamp();
  if not found then
    return '{"alive": false, "claims": []}';
  end if;
  return jsonb_build_object('alive', true, 'draining', engine_drains((select engine_id from lease where worker_id = p_worker)), 'claims', coalesce((
    select jsonb_agg(jsonb_build_object('tenantId', c.tenant_id, 'threadId', c.thread_id, 'turnId', c.turn_id, 'sessionId', c.session_id, 'epoch', c.epoch, 'control', s.control))
    from claim c join session s on s.id = c.session_id where c.worker_id = p_worker), '[]'));
end $$;

-- With the first worker of an engine that was gone or emptied, its sessions that have not moved are its own again. p_again: the worker lost
-- the lease it had; where its engine was emptied meanwhile it takes nothing any more, and nobody's sessions must wait for it.
create or replace function start_lease(p_worker text, p_engine text, p_kind text, p_host text, p_pid int, p_lease_ms int, p_again boolean default false)
returns void
language sql set search_path = public as $$
  insert into lease (worker_id, engine_id, kind, host, pid, started_at, expires_at)
  values (p_worker, p_engine, p_kind, p_host, p_pid, clock_timestamp(), clock_timestamp() + p_lease_ms * interval '1 millisecond');
  insert into engine (id) select p_engine where p_engine is not null
  on conflict (id) do update set absent_ms = 0, looked_at = null, gone = false, draining = false, drained_by = null
    where p_kind = 'worker' and not (p_again and engine.draining) and (engine.gone or engine.draining or engine.looked_at is not null);
$$;
