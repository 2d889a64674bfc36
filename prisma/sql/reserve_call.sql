-- Holds a model call's worst case under every budget above it, in one statement, or says which budget refuses (invariant 6).
--
-- p: {id, turnId, agentId, workerId, kind, model, fixedNanos, perTokenNanos, maxTokens, minTokens, unpriced?}. The output shrinks to what
-- fits, not below minTokens; the amount held is fixedNanos + perTokenNanos × the tokens granted.
--
-- Returns {granted: true, maxTokens, amountNanos}, or {granted: false, by, budgetId, limitNanos, spentNanos, scope, resetsAt}: by 'spent', the cap can't
-- hold it whatever happens to the calls in flight; by 'held', it may fit when they are settled; or {refused: 'stale_epoch'}.
create or replace function reserve_call(p_tenant text, p_session text, p_thread text, p_epoch int, p jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_tenant text := set_config('longhaul.tenant', p_tenant, true); -- as an expression: a statement would cost ten times as much
  v_fixed bigint := (p->>'fixedNanos')::bigint;
  v_per_token bigint := (p->>'perTokenNanos')::bigint;
  v_max bigint := (p->>'maxTokens')::bigint;
  v_least bigint := v_fixed + v_per_token * (p->>'minTokens')::bigint;
  v_unpriced boolean := coalesce((p->>'unpriced')::boolean, false);
  v_tokens bigint;
  v_day date;
  r reservation;
  b record;
begin
  perform from claim where thread_id = p_thread and epoch = p_epoch and worker_id = p->>'workerId' for share;
  if not found then
    return jsonb_build_object('refused', 'stale_epoch');
  end if;
  v_tokens := v_max;
  -- Locked first and read afterwards: a query sees what there was when it began, and who waited here must see a cap that was set meanwhile.
  v_day := lock_spend_rows(p_tenant, p->>'agentId', p_session);
  for b in
    select u.id, u.scope, u.scope_id, u.period, u.limit_nanos,
      case u.period when 'DAY' then x.day_spent when 'MONTH' then x.month_spent else x.total_spent end as spent,
      case u.period when 'DAY' then x.day_reserved when 'MONTH' then x.month_reserved else x.total_reserved end as reserved
    from budget u join spend x on x.scope = u.scope and x.scope_id = u.scope_id
    where (u.scope, u.scope_id) in (('AGENT', p->>'agentId'), ('SESSION', p_session), ('TENANT', p_tenant))
    order by (u.limit_nanos - case u.period when 'DAY' then x.day_spent when 'MONTH' then x.month_spent else x.total_spent end)
  loop
    if v_unpriced or b.limit_nanos - b.spent - b.reserved < v_least then
      return jsonb_build_object('granted', false, 'by', case when v_unpriced or b.limit_nanos - b.spent < v_least then 'spent' else 'held' end, 'budgetId', b.id, 'limitNanos', b.limit_nanos::text, 'spentNanos', b.spent::text,
        'scope', b.scope || ':' || b.scope_id, 'resetsAt', case b.period
          when 'DAY' then (date_trunc('day', clock_timestamp() at time zone 'UTC') + interval '1 day') at time zone 'UTC'
          when 'MONTH' then (date_trunc('month', clock_timestamp() at time zone 'UTC') + interval '1 month') at time zone 'UTC' end);
    end if;
    if v_per_token > 0 then
      v_tokens := least(v_tokens, (b.limit_nanos - b.spent - b.reserved - v_fixed) / v_per_token);
    end if;
  end loop;
  insert into reservation (id, tenant_id, session_id, thread_id, turn_id, agent_id, worker_id, epoch, kind, model, amount_nanos, created_at)
  values (p->>'id', p_tenant, p_session, p_thread, p->>'turnId', p->>'agentId', p->>'workerId', p_epoch, p->>'kind', p->>'model', v_fixed + v_per_token * v_tokens,
    -- In the day that holds it: its rows were locked in it, whatever the clock has done since.
    least(greatest(clock_timestamp(), v_day::timestamp at time zone 'UTC'), (v_day + 1)::timestamp at time zone 'UTC' - interval '1 microsecond'))
  returning * into r;
  perform add_to_spend(r, r.amount_nanos, 0);
  return jsonb_build_object('granted', true, 'maxTokens', v_tokens, 'amountNanos', r.amount_nanos::text);
end $$;
