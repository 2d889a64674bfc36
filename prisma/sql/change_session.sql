-- A change that was decided on what the session was a moment ago: made in one round trip if that is still so, else refused as
-- 'changed' and decided again. Saves a person's message four round trips under the session's lock.
--
-- p_expect {status, control, turnState, turnId?, head?, limits?}: what the decision depended on; `limits` where it was decided unseen:
-- that the tenant may start something and its limits are not reached. p_keep {mutation, key, inputHash, answer}: the idempotency key to
-- keep in the same transaction, with `seq` of the first event added to its answer; null for none.
-- Returns what append_events returns and the session's row, or {refused: 'not_found' | 'key_taken'}, or {refused: 'changed', seen}: what
-- the session is, as peek_session says it.
create or replace function change_session(p_tenant text, p_session text, p_expect jsonb, p_events jsonb, p_turn jsonb, p_keep jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_tenant text := set_config('longhaul.tenant', p_tenant, true);
  s session;
  t turn;
  v_kept int;
begin
  select * into s from session where id = p_session and tenant_id = p_tenant and deleted_at is null for no key update;
  if not found then return '{"refused": "not_found"}'; end if;
  perform from claim where thread_id = s.primary_thread_id for no key update;
  select * into t from turn where thread_id = s.primary_thread_id and state <> 'settled' for no key update;
  if s.status <> p_expect->>'status' or s.control is distinct from p_expect->>'control' or t.state is distinct from p_expect->>'turnState'
    or (p_expect ? 'turnId' and t.id is distinct from p_expect->>'turnId') or s.head <> coalesce((p_expect->>'head')::int, s.head)
    or (p_expect ? 'limits' and not is_within_limits(p_tenant, p_session, s.head)) then
    return jsonb_build_object('refused', 'changed', 'seen', peek_session(p_tenant, p_session));
  end if;
  if p_keep is not null then
    insert into idempotency_key (tenant_id, mutation, key, input_hash, result)
    values (p_tenant, p_keep->>'mutation', p_keep->>'key', p_keep->>'inputHash', p_keep->'answer' || jsonb_build_object('seq', s.head + 1))
    on conflict (tenant_id, mutation, key) do update set input_hash = excluded.input_hash, result = excluded.result, created_at = clock_timestamp()
      where idempotency_key.created_at < clock_timestamp() - interval '7 days';
    get diagnostics v_kept = row_count;
    if v_kept = 0 then return '{"refused": "key_taken"}'; end if;
  end if;
  return append_locked(s, s.primary_thread_id, p_events, p_turn, null, true);
end $$;

-- What lock_session says, without a lock: for a decision that change_session will hold against the truth.
create or replace function peek_session(p_tenant text, p_session text) returns jsonb
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select jsonb_build_object('id', s.id, 'status', s.status, 'stopReason', s.stop_reason, 'control', s.control, 'primaryThreadId', s.primary_thread_id,
      'head', s.head, 'evaluationRounds', s.evaluation_rounds,
      'turn', case when t.id is null then null else jsonb_build_object('id', t.id, 'kind', t.kind, 'state', t.state, 'waitReason', t.wait_reason) end,
      'backlog', (select count(*) from turn where tenant_id = p_tenant and state = 'due' and woken_at is null),
      'unread', (select count(*) from unread_message where session_id = s.id),
      'tenant', jsonb_build_object('status', n.status, 'backlogLimit', n.backlog_limit))
    from session s join tenant n on n.id = s.tenant_id left join turn t on t.thread_id = s.primary_thread_id and t.state <> 'settled'
    where s.id = p_session and s.tenant_id = p_tenant and s.deleted_at is null);
end $$;

-- What refuseBacklog and refuseUnread ask (core/src/sessions/change-session.ts), of the caller's tenant. Unread messages are counted
-- only where they may be too many: each is an event, so while none is older than the newest `backlog_limit` events, they are fewer.
create or replace function is_within_limits(p_tenant text, p_session text, p_head int) returns boolean
language sql stable as $$
  select n.status = 'ACTIVE'
    and (select count(*) from turn where tenant_id = p_tenant and state = 'due' and woken_at is null) < n.backlog_limit
    and (not exists (select from unread_message u where u.session_id = p_session and u.seq <= p_head + 1 - n.backlog_limit)
      or (select count(*) from unread_message where session_id = p_session) < n.backlog_limit)
  from tenant n where n.id = p_tenant
$$;
