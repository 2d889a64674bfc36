-- A worker lets go of a claim whose turn it could not bring to an end, without a crash: the turn is due again, for anybody.
create or replace function release_claim(p_tenant text, p_thread text, p_epoch int, p_due_in_ms int) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_turn text;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select turn_id into v_turn from claim where thread_id = p_thread and epoch = p_epoch and worker_id is not null for no key update;
  if not found then
    return '[]';
  end if;
  update claim set worker_id = null, turn_id = null where thread_id = p_thread;
  update turn set state = 'due', due_at = clock_timestamp() + p_due_in_ms * interval '1 millisecond', woken_at = null where id = v_turn and state = 'running';
  return fill_slots(p_tenant);
end $$;
