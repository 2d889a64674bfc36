-- A session's events from a position on, oldest first, of one thread or of all. Sets the tenant itself: one round trip.
create or replace function read_events(p_tenant text, p_session text, p_thread text, p_from int, p_limit int)
returns table (seq int, type text, thread_id text, actor text, payload jsonb, cost_nanos bigint, created_at timestamptz, hash text)
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return query select e.seq, e.type, e.thread_id, e.actor, e.payload, e.cost_nanos, e.created_at, e.hash
    from event e where e.session_id = p_session and e.seq >= p_from and (p_thread is null or e.thread_id = p_thread)
    order by e.seq limit p_limit;
end $$;
