-- A session's events from a position on, oldest first, inherited ones too: all of them, or those of one thread, without what was undone of
-- it. Sets the tenant itself: one round trip.
create or replace function read_events(p_tenant text, p_session text, p_thread text, p_from int, p_limit int)
returns table (seq int, type text, thread_id text, actor text, payload jsonb, cost_nanos bigint, created_at timestamptz, hash text)
language plpgsql set search_path = public as $$
declare
  v_tenant text := set_config('longhaul.tenant', p_tenant, true);
  v_inherits boolean;
  v_undone jsonb; -- null where nothing was: most sessions pay nothing for it
begin
  select s.base_seq >= p_from, nullif(h.undone, '[]') into v_inherits, v_undone from session s left join thread h on h.id = p_thread where s.id = p_session;
  -- Most sessions are no forks, and most contexts of forks have left the inherited part behind: they pay nothing for it.
  if v_inherits then
    return query select e.seq, e.type, case when e.thread_id = p.source_thread_id then p.thread_id else e.thread_id end, e.actor, e.payload,
        e.cost_nanos, e.created_at, e.hash
      from log_piece p join event e on e.session_id = p.source_session_id and e.seq between greatest(p.from_seq, p_from) and p.to_seq
      where p.session_id = p_session and (p_thread is null or e.thread_id = case when p_thread = p.thread_id then p.source_thread_id else p_thread end)
        and (v_undone is null or not is_undone(v_undone, e.seq))
      order by e.seq limit p_limit;
    return;
  end if;
  return query select e.seq, e.type, e.thread_id, e.actor, e.payload, e.cost_nanos, e.created_at, e.hash
    from event e where e.session_id = p_session and e.seq >= p_from and (p_thread is null or e.thread_id = p_thread)
      and (v_undone is null or not is_undone(v_undone, e.seq))
    order by e.seq limit p_limit;
end $$;
