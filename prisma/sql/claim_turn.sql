-- Takes the right to write a thread's next events, for a turn that is due: compare-and-set, new epoch (invariants 2 and 4).
-- Returns all that the turn needs to begin, or {refused: 'gone' | 'not_due' | 'held' | 'draining' | 'engine' | 'suspect' | 'alone' | 'crash_loop'}.
-- p_kind: worker takes no suspects, crowd takes those that need not run alone, suspect takes any, one at a time.
-- Lock order: session, claim, turn.
create or replace function claim_turn(p_tenant text, p_turn text, p_worker text, p_engine text, p_kind text) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_tenant text := set_config('longhaul.tenant', p_tenant, true);
  s session;
  c claim;
  t turn;
begin
  select * into t from turn where id = p_turn;
  if not found then return '{"refused": "gone"}'; end if;
  if t.state <> 'due' then return '{"refused": "not_due"}'; end if;
  select * into s from session where id = t.session_id and deleted_at is null for no key update;
  if not found then return '{"refused": "gone"}'; end if;
  select * into c from claim where thread_id = t.thread_id for no key update;
  select * into t from turn where id = p_turn for no key update;
  -- Without a slot it is not due either: a job of an earlier wake may come at any time, and a tenant's turns beyond its share must wait.
  if t.state <> 'due' or t.due_at > clock_timestamp() or t.woken_at is null then return '{"refused": "not_due"}'; end if;
  if c.worker_id is not null then
    if exists (select from lease where worker_id = c.worker_id and expires_at > clock_timestamp()) then return '{"refused": "held"}'; end if;
  end if;
  if not exists (select from lease where worker_id = p_worker and expires_at > clock_timestamp()) then return '{"refused": "no_lease"}'; end if;
  if engine_drains(p_engine) then return '{"refused": "draining"}'; end if;
  -- Which engine it is with changes only once another one has made a sandbox of it: one that comes back before has it, with its files.
  if s.engine_id is not null and s.engine_id is distinct from p_engine and not engine_gone(s.engine_id) then
    return jsonb_build_object('refused', 'engine', 'engineId', s.engine_id);
  end if;
  if t.suspect and t.crashes >= 3 then
    s := append_to_log(s, t.thread_id, jsonb_build_array(jsonb_build_object('type', 'session.status', 'actor', 'platform', 'payload',
      jsonb_build_object('v', 1, 'status', 'PAUSED', 'stopReason', 'CRASH_LOOP', 'activity', null))));
    update turn set state = 'waiting', wait_reason = 'paused', due_at = 'infinity', woken_at = null where id = p_turn;
    s.control := null;
    perform store_projection(s);
    return jsonb_build_object('refused', 'crash_loop', 'sessionId', s.id, 'head', s.head);
  end if;
  if t.alone and p_kind <> 'suspect' then return '{"refused": "alone"}'; end if;
  if t.suspect and p_kind = 'worker' then return '{"refused": "suspect"}'; end if;

  update claim set epoch = epoch + 1, worker_id = p_worker, turn_id = p_turn, claimed_at = clock_timestamp() where thread_id = t.thread_id;
  update turn set state = 'running', wait_reason = null, wait_scope = null where id = p_turn;
  if s.status <> 'RUNNING' then
    s := append_to_log(s, t.thread_id, jsonb_build_array(jsonb_build_object('type', 'session.status', 'actor', 'platform', 'payload',
      jsonb_build_object('v', 1, 'status', 'RUNNING', 'stopReason', null, 'activity', case t.kind when 'evaluate' then 'evaluating' else 'model' end))));
    perform store_projection(s);
  end if;
  return (select jsonb_build_object('epoch', c.epoch + 1,
      'session', jsonb_build_object('id', s.id, 'status', s.status, 'agentId', s.agent_id, 'control', s.control, 'head', s.head, 'maxEvaluations', s.max_evaluations,
        'evaluationRounds', s.evaluation_rounds, 'roundsSinceMessage', s.rounds_since_message, 'sandboxId', s.sandbox_id, 'sandboxState', s.sandbox_state,
        'baselineSnapshotId', s.baseline_snapshot_id,
        'hasConditions', exists (select from condition where session_id = s.id),
        'hasUploads', exists (select from upload where session_id = s.id and placed_seq is null)),
      'thread', jsonb_build_object('id', h.id, 'contextFromSeq', h.context_from_seq),
      'turn', jsonb_build_object('id', t.id, 'kind', t.kind, 'attempt', t.attempt, 'suspect', t.suspect, 'round', t.round),
      'agentVersion', jsonb_build_object('id', a.id, 'model', a.model, 'judgeModel', a.judge_model, 'system', a.system, 'tools', a.tools),
      'environmentVersion', jsonb_build_object('id', e.id, 'image', e.image, 'cpus', e.cpus, 'memoryMb', e.memory_mb, 'diskMb', e.disk_mb, 'network', e.network,
        'setupHash', e.setup_hash, 'idleSeconds', e.idle_seconds, 'keepAwakeSeconds', e.keep_awake_seconds),
      'unread', (select coalesce(jsonb_agg(jsonb_build_object('seq', u.seq, 'mode', u.mode) order by u.seq), '[]')
        from unread_message u where u.session_id = s.id and u.thread_id = t.thread_id))
    from thread h, agent_version a, environment_version e
    where h.id = t.thread_id and a.id = s.agent_version_id and e.id = s.environment_version_id);
end $$;
