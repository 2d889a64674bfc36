-- A page of a session's log from a position on, oldest first: at most p_limit events, and none more once p_max_bytes of payload are
-- reached. A deleted session shows nothing. Payloads come as text, so that their size is known without writing them out twice.
create or replace function read_log_page(p_tenant text, p_session text, p_from int, p_limit int, p_max_bytes int)
returns table (seq int, type text, thread_id text, actor text, payload text, cost_nanos bigint, created_at timestamptz, hash text)
language plpgsql set search_path = public as $$
declare
  v_bytes int := 0;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  if not exists (select from session s where s.id = p_session and s.deleted_at is null) then return; end if;
  for seq, type, thread_id, actor, payload, cost_nanos, created_at, hash in
    select e.seq, e.type, e.thread_id, e.actor, e.payload::text, e.cost_nanos, e.created_at, e.hash
    from event e where e.session_id = p_session and e.seq >= p_from order by e.seq limit p_limit
  loop
    return next;
    v_bytes := v_bytes + octet_length(payload);
    exit when v_bytes >= p_max_bytes;
  end loop;
end $$;
