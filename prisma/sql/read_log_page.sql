-- A page of a session's log from a position on, oldest first, inherited events too: at most p_limit events, and none more once p_max_bytes
-- of payload are reached. A deleted session shows nothing. Payloads come as text, so that their size is known without writing them out twice.
create or replace function read_log_page(p_tenant text, p_session text, p_from int, p_limit int, p_max_bytes int)
returns table (seq int, type text, thread_id text, actor text, payload text, cost_nanos bigint, created_at timestamptz, hash text)
language plpgsql set search_path = public as $$
declare
  v_tenant text := set_config('longhaul.tenant', p_tenant, true);
  v_bytes int := 0;
  v_rows int := 0;
  v_base int;
  v_pieces log_piece[] := '{}';
  p log_piece;
begin
  select s.base_seq into v_base from session s where s.id = p_session and s.deleted_at is null;
  if not found then return; end if;
  -- Not even planned for a log that inherits nothing, or that is read past what it inherits: nearly every page is one of these.
  if v_base >= p_from then
    v_pieces := array(select l from log_piece l where l.session_id = p_session and l.source_session_id <> p_session and l.to_seq >= p_from order by l.from_seq);
  end if;
  -- The own part is asked without its end: what is appended meanwhile belongs to the page.
  foreach p in array v_pieces || row(p_tenant, p_session, v_base + 1, null, p_session, null, null)::log_piece loop
    for seq, type, thread_id, actor, payload, cost_nanos, created_at, hash in
      select e.seq, e.type, case when e.thread_id = p.source_thread_id then p.thread_id else e.thread_id end, e.actor, e.payload::text, e.cost_nanos, e.created_at, e.hash
      from event e where e.session_id = p.source_session_id and e.seq >= greatest(p.from_seq, p_from) and e.seq <= coalesce(p.to_seq, 2147483647)
      order by e.seq limit p_limit - v_rows
    loop
      return next;
      v_rows := v_rows + 1;
      v_bytes := v_bytes + octet_length(payload);
      if v_bytes >= p_max_bytes then return; end if;
    end loop;
  end loop;
end $$;

-- Pages of several logs in one round trip. p_wanted [{tenant, session, from}], each read under its own tenant; `log` is a log's place in
-- it. Once p_max_bytes are reached those that come later in the list have no rows, and are asked for again.
create or replace function read_log_pages(p_wanted jsonb, p_limit int, p_max_bytes int)
returns table (log int, seq int, type text, thread_id text, actor text, payload text, cost_nanos bigint, created_at timestamptz, hash text)
language plpgsql set search_path = public as $$
declare
  v_bytes int := 0;
  w jsonb;
begin
  log := 0;
  for w in select value from jsonb_array_elements(p_wanted) loop
    for seq, type, thread_id, actor, payload, cost_nanos, created_at, hash in
      select * from read_log_page(w->>'tenant', w->>'session', (w->>'from')::int, p_limit, p_max_bytes - v_bytes)
    loop
      return next;
      v_bytes := v_bytes + octet_length(payload);
    end loop;
    exit when v_bytes >= p_max_bytes;
    log := log + 1;
  end loop;
end $$;
