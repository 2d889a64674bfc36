-- Settles a reservation at what the call cost, once; needs no claim: a late holder's true figure corrects a presumed one.
-- p: {reservationId, costNanos, usage, basis: 'exact' | 'estimated' | 'presumed', requestId?}. A cost above what was held is charged in full.
-- Turns that waited for this money become due. Returns {settled, alerts}: alerts are budget.alert events for the caller to append.
create or replace function settle_reservation(p jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  r reservation;
  v_cost bigint := (p->>'costNanos')::bigint;
  v_usage jsonb := coalesce(p->'usage', '{}');
  v_basis text := p->>'basis';
  v_alerts jsonb;
  v_scopes text[];
begin
  select * into r from reservation where id = p->>'reservationId' for no key update;
  if not found or r.state = 'settled' or (r.state = 'presumed' and v_basis = 'presumed') then
    return jsonb_build_object('settled', false, 'alerts', '[]'::jsonb);
  end if;
  if v_basis = 'presumed' then
    v_cost := r.amount_nanos;
  end if;
  perform lock_spend_rows(r.tenant_id, r.agent_id, r.session_id);
  perform add_to_spend(r, case r.state when 'held' then -r.amount_nanos else 0 end, case r.state when 'held' then v_cost else v_cost - r.amount_nanos end);
  update reservation set state = case v_basis when 'presumed' then 'presumed' else 'settled' end where id = r.id;
  insert into charge (reservation_id, tenant_id, session_id, agent_id, kind, model, cost_nanos, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, basis, request_id, reserved_at)
  values (r.id, r.tenant_id, r.session_id, r.agent_id, r.kind, r.model, v_cost, coalesce((v_usage->>'inputTokens')::bigint, 0), coalesce((v_usage->>'outputTokens')::bigint, 0),
    coalesce((v_usage->>'cacheReadTokens')::bigint, 0), coalesce((v_usage->>'cacheWrite5mTokens')::bigint, 0) + coalesce((v_usage->>'cacheWrite1hTokens')::bigint, 0), v_basis, p->>'requestId', r.created_at)
  on conflict (reservation_id) do update set cost_nanos = excluded.cost_nanos, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
    cache_read_tokens = excluded.cache_read_tokens, cache_write_tokens = excluded.cache_write_tokens, basis = excluded.basis, request_id = excluded.request_id;

  v_scopes := array['AGENT:' || r.agent_id, 'SESSION:' || r.session_id, 'TENANT:' || r.tenant_id];
  -- Seldom is there one, and an update that finds nothing costs several times as much as the question.
  if exists (select from turn where state = 'waiting' and wait_reason = 'budget' and wait_scope = any (v_scopes)) then
    update turn set state = 'due', due_at = clock_timestamp(), wait_scope = null, woken_at = null where id in (
      select id from turn where tenant_id = r.tenant_id and state = 'waiting' and wait_reason = 'budget' and wait_scope = any (v_scopes)
      order by due_at limit 8 for no key update skip locked); -- whoever waits longest
  end if;

  -- A true figure below the presumed one: who stopped at a cap with what was presumed may fit now, and nothing else would wake him. The caps
  -- are locked against who is about to wait at one: he is seen here, or he sees what was spent.
  if r.state = 'presumed' and v_cost < r.amount_nanos then
    perform from budget where (scope, scope_id) in (('AGENT', r.agent_id), ('SESSION', r.session_id), ('TENANT', r.tenant_id))
      order by scope, scope_id, id for no key update;
    update turn set state = 'due', due_at = clock_timestamp(), wait_scope = null, woken_at = null where id in (
      select id from turn where tenant_id = r.tenant_id and state = 'waiting' and wait_reason = 'budget_reached' and wait_scope = any (v_scopes)
      for no key update skip locked);
  end if;

  with crossed as (
    update budget u set alerted_percent = x.percent, alerted_period = x.began
    from (
      select b.id, x.began, (select max(a) from unnest(b.alert_percents) a where x.spent * 100 >= b.limit_nanos * a) as percent
      from budget b join lateral (
        select case b.period when 'DAY' then p.day_spent when 'MONTH' then p.month_spent else p.total_spent end as spent,
          case b.period when 'DAY' then p.day when 'MONTH' then p.month else '1970-01-01'::date end as began
        from spend p where p.scope = b.scope and p.scope_id = b.scope_id) x on true
      where (b.scope, b.scope_id) in (('AGENT', r.agent_id), ('SESSION', r.session_id), ('TENANT', r.tenant_id))
    ) x
    where u.id = x.id and x.percent is not null and (u.alerted_period is distinct from x.began or u.alerted_percent < x.percent)
    returning u.id, u.scope, u.scope_id, u.period, u.limit_nanos, u.alerted_percent
  )
  select jsonb_agg(jsonb_build_object('type', 'budget.alert', 'actor', 'platform', 'payload', jsonb_build_object('v', 1, 'budgetId', id, 'scope', scope,
    'scopeId', scope_id, 'period', period, 'limitNanos', limit_nanos::text, 'percent', alerted_percent))) into v_alerts from crossed;
  return jsonb_build_object('settled', true, 'alerts', coalesce(v_alerts, '[]'));
end $$;

-- Settles outside an append: a judge's call, a failed call, a holder who lost his claim meanwhile. Alerts go into the session's log.
create or replace function settle_call(p_tenant text, p jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  s session;
  r reservation;
  v_result jsonb;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into r from reservation where id = p->>'reservationId';
  if not found then return '{"settled": false, "wakes": []}'; end if;
  select * into s from session where id = r.session_id for no key update;
  v_result := settle_reservation(p);
  if s.id is not null then -- else it was deleted, and is gone for good: what it spent counts all the same
    s := append_to_log(s, r.thread_id, v_result->'alerts');
    perform store_projection(s);
  end if;
  return jsonb_build_object('settled', v_result->'settled', 'wakes', fill_slots(p_tenant));
end $$;

-- A call whose worker is dead counts at its reservation, marked so, until somebody knows better. The log says so.
create or replace function presume_reservation(p_tenant text, p_reservation text) returns jsonb
language plpgsql set search_path = public as $$
declare
  s session;
  r reservation;
  v_result jsonb;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into r from reservation where id = p_reservation;
  if not found then return '{"presumed": false}'; end if;
  select * into s from session where id = r.session_id for no key update;
  v_result := settle_reservation(jsonb_build_object('reservationId', p_reservation, 'basis', 'presumed'));
  if not (v_result->>'settled')::boolean then return '{"presumed": false}'; end if;
  s := append_to_log(s, r.thread_id, jsonb_build_array(jsonb_build_object('type', 'harness.error', 'actor', 'platform', 'costNanos', r.amount_nanos, 'payload',
    jsonb_build_object('v', 1, 'next', 'outcome_unknown', 'turnId', r.turn_id, 'message', 'the worker died during a model call: it counts at what was reserved for it',
      'reservationId', r.id, 'kind', r.kind, 'model', r.model))) || (v_result->'alerts'));
  perform store_projection(s);
  return jsonb_build_object('presumed', true, 'sessionId', s.id, 'head', s.head, 'wakes', fill_slots(p_tenant));
end $$;
