-- Finds threads that should be running and are not (invariant 4). Run every second by whichever worker gets the lock; the others
-- get {ran: false}. Returns {ran, wakes, presume}: jobs to add, and held reservations whose worker is dead.
--
-- 1 A dead worker's claims end. Its turns are due again, as suspects; those of a dead crowd of suspects run alone from then on, and one
--   that died alone counts a crash.
-- 2 A turn that waits for money becomes due when nothing is held any more in the scope it waits for, or when its period began anew.
-- 3 A wake that nobody took is sent again, with a new number, after 2, 4, 8 … at most 30 seconds: a lost queue costs two seconds,
--   a long queue few duplicates. One whose engine has no worker any more gives its slot back and waits for one; once the engine counts
--   as gone (p_move_after_ms, see engines.sql) it is sent to all.
-- 4 Turns that came due (after a back-off, or whose wake was never decided) get their tenant's free slots.
--
-- It waits for no lock: what somebody has locked is his, or the next sweep's. One transaction that hangs would stop all tenants.
create or replace function sweep_turns(p_move_after_ms int) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_wakes jsonb := '[]';
  v_part jsonb;
  v_tenant text;
  v_now timestamptz := clock_timestamp(); -- the function itself is volatile, and no index is searched for it
begin
  if not pg_try_advisory_xact_lock(hashtextextended('longhaul.sweep', 0)) then
    return '{"ran": false, "wakes": [], "presume": []}';
  end if;

  perform look_at_engines(p_move_after_ms);

  with dead as (
    select c.thread_id, c.turn_id, coalesce(l.kind, 'worker') as kind from claim c left join lease l on l.worker_id = c.worker_id
    where c.worker_id is not null and (l.worker_id is null or l.expires_at <= clock_timestamp()) for no key update of c skip locked
  ), freed as (
    update claim c set worker_id = null, turn_id = null from dead where c.thread_id = dead.thread_id
  )
  update turn t set state = 'due', due_at = clock_timestamp(), suspect = true, alone = t.alone or dead.kind = 'crowd', crashes = t.crashes + (dead.kind = 'suspect')::int,
    woken_at = null
  from dead where t.id = dead.turn_id and t.state = 'running' and t.woken_at is not null; -- as every running turn, and as its index wants it
  delete from lease l where expires_at <= clock_timestamp() and not exists (select from claim where worker_id = l.worker_id);

  update turn set state = 'due', due_at = clock_timestamp(), woken_at = null where id in (
    select t.id from turn t
    where t.state = 'waiting' and t.wait_reason in ('budget', 'budget_reached') and t.id in (
      select id from turn where state = 'waiting' and due_at <= v_now
      union all
      select w.id from turn w where w.state = 'waiting' and w.wait_reason = 'budget' and not exists (
        select from spend x where x.scope = split_part(w.wait_scope, ':', 1) and x.scope_id = split_part(w.wait_scope, ':', 2) and x.total_reserved > 0))
    for no key update skip locked);

  update turn set woken_at = null where id in (
    select t.id from turn t join session s on s.id = t.session_id
    where t.state = 'due' and t.woken_at is not null and not engine_takes(s.engine_id) for no key update of t skip locked);

  with again as (
    update turn set wake_no = wake_no + 1, wakes = wakes + 1, woken_at = clock_timestamp()
    where id in (
      select t.id from turn t
      where t.state = 'due' and t.tenant_id in (select n.id from tenant n where n.status = 'ACTIVE')
        and t.woken_at < clock_timestamp() - least(30, power(2, least(t.wakes, 10))) * interval '1 second'
      for no key update of t skip locked)
    returning tenant_id, id, session_id, wake_no
  )
  select coalesce(jsonb_agg(jsonb_build_object('tenantId', a.tenant_id, 'turnId', a.id, 'wakeNo', a.wake_no, 'engineId', wake_engine(s.engine_id), 'rank', 1)), '[]')
  into v_wakes from again a join session s on s.id = a.session_id;

  for v_tenant in select distinct tenant_id from turn where state = 'due' and woken_at is null and due_at <= clock_timestamp() loop
    if pg_try_advisory_xact_lock(hashtextextended('longhaul.slots:' || v_tenant, 0)) then
      v_part := fill_slots(v_tenant);
      v_wakes := v_wakes || v_part;
    end if;
  end loop;

  return jsonb_build_object('ran', true, 'wakes', v_wakes, 'presume', coalesce((
    select jsonb_agg(jsonb_build_object('tenantId', r.tenant_id, 'reservationId', r.id)) from reservation r
    where r.state = 'held' and (
      not exists (select from lease l where l.worker_id = r.worker_id and l.expires_at > clock_timestamp())
      -- Its holder lives but has lost the claim, and has not settled for a minute: he may still, and corrects it then.
      or (r.created_at < clock_timestamp() - interval '1 minute' and not exists (select from claim c where c.thread_id = r.thread_id and c.worker_id = r.worker_id and c.epoch = r.epoch)))), '[]'));
end $$;
