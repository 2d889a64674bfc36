-- Gives a tenant's free slots to its oldest due turns and says which jobs to add: [{tenantId, turnId, wakeNo, engineId, rank}].
-- A slot is held from the wake until the turn settles or waits, so that at most max_concurrent_sessions of a tenant's turns are
-- queued or running, whoever asks. The advisory lock is the last in the lock order and is held for the commit only.
-- A turn that somebody else has locked is skipped: whoever holds it will fill the slots himself. One whose engine has no worker is not
-- woken until that engine counts as gone: nobody would take it, and it would hold a slot that others need.
create or replace function fill_slots(p_tenant text) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_busy int;
  v_free int;
  v_wakes jsonb := '[]';
  t record;
begin
  perform pg_advisory_xact_lock(hashtextextended('longhaul.slots:' || p_tenant, 0));
  -- Under the lock, so that a turn that comes due beside us is seen here or sees the slot that we free.
  if not exists (select from turn where tenant_id = p_tenant and state = 'due' and woken_at is null and due_at <= clock_timestamp()) then
    return v_wakes;
  end if;
  select count(*) into v_busy from turn where tenant_id = p_tenant and woken_at is not null and state in ('due', 'running');
  select max_concurrent_sessions - v_busy into v_free from tenant where id = p_tenant and status = 'ACTIVE';
  if v_free is null or v_free <= 0 then
    return v_wakes;
  end if;
  -- One by one: there is seldom more than one, and a statement that wakes many costs one turn three times as much.
  for t in
    select d.id, d.wake_no + 1 as wake_no, case when x.engine_id is not null then wake_engine(x.engine_id) end as engine_id
    from turn d join session x on x.id = d.session_id
    where d.tenant_id = p_tenant and d.state = 'due' and d.woken_at is null and d.due_at <= clock_timestamp()
      and (x.engine_id is null or engine_takes(x.engine_id))
    order by d.due_at, d.id limit v_free for no key update of d skip locked
  loop
    update turn set woken_at = clock_timestamp(), wake_no = t.wake_no, wakes = 1, wait_reason = null where id = t.id;
    v_wakes := v_wakes || jsonb_build_object('tenantId', p_tenant, 'turnId', t.id, 'wakeNo', t.wake_no, 'engineId', t.engine_id,
      'rank', v_busy + jsonb_array_length(v_wakes) + 1);
  end loop;
  return v_wakes;
end $$;
