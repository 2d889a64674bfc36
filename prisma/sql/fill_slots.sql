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
  v_wakes jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('longhaul.slots:' || p_tenant, 0));
  select count(*) into v_busy from turn where tenant_id = p_tenant and woken_at is not null and state in ('due', 'running');
  select max_concurrent_sessions - v_busy into v_free from tenant where id = p_tenant and status = 'ACTIVE';
  if v_free is null or v_free <= 0 then
    return '[]';
  end if;
  with next as (
    select t.id from turn t join session x on x.id = t.session_id
    where t.tenant_id = p_tenant and t.state = 'due' and t.woken_at is null and t.due_at <= clock_timestamp() and engine_answers(wake_engine(x.engine_id))
    order by t.due_at, t.id limit v_free for no key update of t skip locked
  ), woken as (
    update turn t set woken_at = clock_timestamp(), wake_no = wake_no + 1, wakes = 1, wait_reason = null from next where t.id = next.id
    returning t.id, t.session_id, t.wake_no, t.due_at
  )
  select jsonb_agg(jsonb_build_object('tenantId', p_tenant, 'turnId', w.id, 'wakeNo', w.wake_no, 'engineId', wake_engine(x.engine_id), 'rank', v_busy + w.rank))
  into v_wakes
  from (select woken.*, row_number() over (order by due_at, id) as rank from woken) w join session x on x.id = w.session_id;
  return coalesce(v_wakes, '[]');
end $$;
