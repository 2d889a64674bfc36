-- Locks a session for a change that a person asked for, and says what the change depends on. Null when there is none.
create or replace function lock_session(p_tenant text, p_session text) returns jsonb
language plpgsql set search_path = public as $$
declare
  s session;
  t turn;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into s from session where id = p_session and tenant_id = p_tenant and deleted_at is null for no key update;
  if not found then return null; end if;
  perform from claim where thread_id = s.primary_thread_id for no key update;
  select * into t from turn where thread_id = s.primary_thread_id and state <> 'settled' for no key update;
  return jsonb_build_object('id', s.id, 'status', s.status, 'stopReason', s.stop_reason, 'control', s.control, 'primaryThreadId', s.primary_thread_id,
    'head', s.head, 'evaluationRounds', s.evaluation_rounds,
    'turn', case when t.id is null then null else jsonb_build_object('id', t.id, 'kind', t.kind, 'state', t.state, 'waitReason', t.wait_reason) end,
    'backlog', (select count(*) from turn where tenant_id = p_tenant and state = 'due' and woken_at is null),
    'unread', (select count(*) from unread_message where session_id = s.id),
    'tenant', (select jsonb_build_object('status', status, 'backlogLimit', backlog_limit) from tenant where id = p_tenant));
end $$;
