-- Locks the spend rows of a session's three scopes, in order (scope, id), each made if missing and rolled over to today's UTC
-- day and month: what an earlier period held or spent no longer counts in this one. Days only go forward: who waited for the lock past
-- midnight, or whose clock was set back, must not take a day's spending away from those who are in it already. Returns the day they are in.
create or replace function lock_spend_rows(p_tenant text, p_agent text, p_session text) returns date
language plpgsql as $$
declare
  v_rows int;
  v_oldest date;
  v_latest date;
  v_today date;
  v_month date;
begin
  for attempt in 1 .. 2 loop
    -- None is locked before all are there: whoever inserts one holds it, and must hold none that comes after it in the order.
    select count(*), min(x.day), max(x.day) into v_rows, v_oldest, v_latest from (
      select day from spend where (scope, scope_id) in (('AGENT', p_agent), ('SESSION', p_session), ('TENANT', p_tenant))
        and (select count(*) from spend where (scope, scope_id) in (('AGENT', p_agent), ('SESSION', p_session), ('TENANT', p_tenant))) = 3
      order by scope, scope_id for no key update) x;
    exit when v_rows = 3;
    if attempt = 2 then raise exception 'tenant % does not see the spend rows of session %', p_tenant, p_session; end if;
    v_today := (clock_timestamp() at time zone 'UTC')::date;
    v_month := date_trunc('month', v_today)::date;
    insert into spend (scope, scope_id, tenant_id, day, month)
    values ('AGENT', p_agent, p_tenant, v_today, v_month), ('SESSION', p_session, p_tenant, v_today, v_month), ('TENANT', p_tenant, p_tenant, v_today, v_month)
    on conflict do nothing;
  end loop;
  v_today := greatest(v_latest, (clock_timestamp() at time zone 'UTC')::date);
  if v_oldest < v_today then
    v_month := date_trunc('month', v_today)::date;
    update spend set day = v_today, day_spent = 0, day_reserved = 0,
      month = v_month, month_spent = case when month = v_month then month_spent else 0 end, month_reserved = case when month = v_month then month_reserved else 0 end
    where (scope, scope_id) in (('AGENT', p_agent), ('SESSION', p_session), ('TENANT', p_tenant)) and day < v_today;
  end if;
  return v_today;
end $$;

-- Whoever changes a cap of this scope holds its spend row, as whoever reserves under it does: a call is let in before the change, and counts
-- in what is held, or after it, under the new cap.
create or replace function lock_scope(p_tenant text, p_scope text, p_scope_id text) returns void
language plpgsql set search_path = public as $$
declare
  v_today date := (clock_timestamp() at time zone 'UTC')::date;
begin
  insert into spend (scope, scope_id, tenant_id, day, month) values (p_scope, p_scope_id, p_tenant, v_today, date_trunc('month', v_today)::date) on conflict do nothing;
  perform from spend where scope = p_scope and scope_id = p_scope_id for no key update;
end $$;

-- Adds to what a reservation's scopes hold and have spent, in every period that the reservation belongs to. Their rows are locked.
create or replace function add_to_spend(r reservation, p_reserved bigint, p_spent bigint) returns void
language plpgsql as $$
declare
  v_day date := (r.created_at at time zone 'UTC')::date;
  v_month date := date_trunc('month', v_day)::date;
begin
  update spend set
    total_reserved = total_reserved + p_reserved, total_spent = total_spent + p_spent,
    month_reserved = month_reserved + case when month = v_month then p_reserved else 0 end, month_spent = month_spent + case when month = v_month then p_spent else 0 end,
    day_reserved = day_reserved + case when day = v_day then p_reserved else 0 end, day_spent = day_spent + case when day = v_day then p_spent else 0 end
  where (scope, scope_id) in (('AGENT', r.agent_id), ('SESSION', r.session_id), ('TENANT', r.tenant_id));
end $$;
