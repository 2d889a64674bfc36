-- Appends events to a session whose row the caller has locked, and folds each into the session's projection (invariant 1).
-- The caller writes the returned row back. Events: [{type, actor, payload, costNanos?}].
-- Hash chain: sha256 over previous hash, session, seq, type, thread, actor, microseconds since 1970, payload hash, one a line;
-- payload hash: sha256 over salt and payload::text. Erasing a payload erases its salt and keeps the chain whole (invariant 12).
-- Without a search_path of its own, which would be set and put back at each call: those who call it have set theirs.
create or replace function append_to_log(s session, p_thread text, p_events jsonb) returns session
language plpgsql as $$
declare
  e jsonb;
  v_payload jsonb;
  v_type text;
  v_salt text;
  v_time timestamptz;
  v_payload_hash text;
  v_usage jsonb;
begin
  for i in 0 .. jsonb_array_length(p_events) - 1 loop
    e := p_events->i;
    v_type := e->>'type';
    v_payload := e->'payload';
    v_salt := gen_random_uuid()::text;
    v_time := clock_timestamp();
    v_payload_hash := encode(sha256(convert_to(v_salt || v_payload::text, 'UTF8')), 'hex');
    s.head := s.head + 1;
    s.head_hash := encode(sha256(convert_to(concat_ws(E'\n', s.head_hash, s.id, s.head, v_type, p_thread, e->>'actor',
      (extract(epoch from v_time) * 1000000)::bigint, v_payload_hash), 'UTF8')), 'hex');
    insert into event (session_id, seq, tenant_id, thread_id, type, actor, payload, payload_hash, salt, hash, cost_nanos, created_at)
    values (s.id, s.head, s.tenant_id, p_thread, v_type, e->>'actor', v_payload, v_payload_hash, v_salt, s.head_hash, (e->>'costNanos')::bigint, v_time);

    case v_type
    when 'session.status' then
      s.status := v_payload->>'status';
      s.stop_reason := v_payload->>'stopReason';
      s.activity := v_payload->>'activity';
      s.completed_at := case when s.status = 'COMPLETED' then v_time end;
    when 'agent.message' then
      v_usage := v_payload->'usage';
      s.input_tokens := s.input_tokens + (v_usage->>'inputTokens')::bigint;
      s.output_tokens := s.output_tokens + (v_usage->>'outputTokens')::bigint;
      s.cache_read_tokens := s.cache_read_tokens + (v_usage->>'cacheReadTokens')::bigint;
      s.cache_write_tokens := s.cache_write_tokens + (v_usage->>'cacheWrite5mTokens')::bigint + (v_usage->>'cacheWrite1hTokens')::bigint;
      s.turns := s.turns + 1;
      update thread set cost_nanos = cost_nanos + coalesce((e->>'costNanos')::bigint, 0),
        context_tokens = (v_usage->>'inputTokens')::int + (v_usage->>'outputTokens')::int + (v_usage->>'cacheReadTokens')::int
          + (v_usage->>'cacheWrite5mTokens')::int + (v_usage->>'cacheWrite1hTokens')::int
      where id = p_thread;
    when 'agent.tool_call' then
      s.tool_calls := s.tool_calls + 1;
      s.activity := v_payload->>'summary';
    when 'agent.tool_result' then
      s.activity := 'model';
    when 'user.message' then
      insert into unread_message (session_id, seq, tenant_id, thread_id, mode) values (s.id, s.head, s.tenant_id, p_thread, v_payload->>'mode');
      s.rounds_since_message := 0;
    when 'user.message_read' then
      delete from unread_message where session_id = s.id and seq in (select value::int from jsonb_array_elements_text(v_payload->'seqs'));
    when 'user.upload' then
      insert into upload (session_id, seq, tenant_id, path, kind, stored_bytes, content_hash)
      values (s.id, s.head, s.tenant_id, v_payload->>'path', v_payload->>'kind', (v_payload->>'storedBytes')::bigint, v_payload->>'digest');
    when 'user.upload_placed' then
      update upload set placed_seq = s.head where session_id = s.id
        and seq in (select value::int from jsonb_array_elements_text(v_payload->'seqs') union all select (r->>'seq')::int from jsonb_array_elements(v_payload->'refused') r);
    when 'agent.compacted', 'agent.reset' then
      -- An unread message must stay within reach of the context that will read it.
      update thread set context_from_seq = least(s.head, (select min(seq) from unread_message u where u.session_id = s.id and u.thread_id = p_thread)) where id = p_thread;
    when 'sandbox.state' then
      if s.sandbox_state = 'RUNNING' then
        s.sandbox_ms := s.sandbox_ms + (extract(epoch from v_time - s.sandbox_used_at) * 1000)::bigint;
      end if;
      s.sandbox_state := v_payload->>'state';
      s.sandbox_id := v_payload->>'sandboxId';
      s.sandbox_provider := v_payload->>'provider';
      s.sandbox_image := v_payload->>'image';
      s.engine_id := v_payload->>'engineId';
      s.baseline_snapshot_id := coalesce(v_payload->>'baselineSnapshotId', s.baseline_snapshot_id);
      s.sandbox_used_at := v_time;
    when 'session.forked' then
      s.engine_id := v_payload->>'engineId';
    when 'session.rewound' then
      update condition set status = 'PENDING' where session_id = s.id and status <> 'WAIVED';
      s.rounds_since_message := 0; -- a person has spoken
      if jsonb_typeof(v_payload->'thread') = 'object' then
        update thread set context_from_seq = (v_payload->'thread'->>'contextFromSeq')::int, context_tokens = (v_payload->'thread'->>'contextTokens')::int,
          undone = v_payload->'thread'->'undone' where id = p_thread;
        delete from unread_message where session_id = s.id and thread_id = p_thread;
        insert into unread_message (session_id, seq, tenant_id, thread_id, mode)
        select s.id, (u->>'seq')::int, s.tenant_id, p_thread, u->>'mode' from jsonb_array_elements(v_payload->'thread'->'unread') u;
      end if;
      if jsonb_typeof(v_payload->'files') = 'object' then
        s.files_undone := v_payload->'files'->'undone';
        s.files_checkpoint_id := v_payload->'files'->>'originId';
        s.engine_id := v_payload->'files'->>'engineId';
      end if;
    when 'condition.added' then
      insert into condition (id, tenant_id, session_id, position, name, kind, spec)
      values (v_payload->>'conditionId', s.tenant_id, s.id, s.head, v_payload->>'name', v_payload->>'kind', v_payload->'spec');
    when 'condition.waived' then
      update condition set status = 'WAIVED' where id = v_payload->>'conditionId' and session_id = s.id;
    when 'condition.evaluated' then
      insert into evaluation (id, tenant_id, session_id, condition_id, round, seq, verdict, explanation, evidence, workspace_digest, isolated, cost_nanos, created_at)
      values (v_payload->>'evaluationId', s.tenant_id, s.id, v_payload->>'conditionId', (v_payload->>'round')::int, s.head, v_payload->>'verdict',
        v_payload->>'explanation', v_payload->'evidence', v_payload->>'workspaceDigest', (v_payload->>'isolated')::boolean, coalesce((e->>'costNanos')::bigint, 0), v_time);
      if v_payload->>'verdict' <> 'ERROR' then
        update condition set last_evaluation_id = v_payload->>'evaluationId',
          status = case when status = 'WAIVED' then status when v_payload->>'verdict' = 'SATISFIED' then 'SATISFIED' else 'UNSATISFIED' end
        where id = v_payload->>'conditionId' and session_id = s.id;
        if (v_payload->>'round')::int > s.evaluation_rounds then
          s.evaluation_rounds := (v_payload->>'round')::int;
          s.rounds_since_message := s.rounds_since_message + 1;
        end if;
      end if;
    else
      null;
    end case;
  end loop;
  s.updated_at := coalesce(v_time, s.updated_at);
  return s;
end $$;

-- Writes a session's projection back after append_to_log. The definition (prompt, agent, …) is not part of it.
create or replace function store_projection(s session) returns void
language sql as $$
  update session set status = s.status, stop_reason = s.stop_reason, activity = s.activity, head = s.head, head_hash = s.head_hash,
    input_tokens = s.input_tokens, output_tokens = s.output_tokens, cache_read_tokens = s.cache_read_tokens, cache_write_tokens = s.cache_write_tokens,
    turns = s.turns, tool_calls = s.tool_calls, active_ms = s.active_ms, sandbox_ms = s.sandbox_ms, evaluation_rounds = s.evaluation_rounds,
    rounds_since_message = s.rounds_since_message, control = s.control, engine_id = s.engine_id, sandbox_id = s.sandbox_id,
    sandbox_state = s.sandbox_state, sandbox_provider = s.sandbox_provider, sandbox_image = s.sandbox_image, sandbox_used_at = s.sandbox_used_at, baseline_snapshot_id = s.baseline_snapshot_id,
    files_undone = s.files_undone, files_checkpoint_id = s.files_checkpoint_id, updated_at = s.updated_at, completed_at = s.completed_at
  where id = s.id
$$;
