-- One new session that starts from a whole checkpoint: its rows, without its first events, which the caller appends next in the same
-- transaction. Copies nothing of the log and nothing of the files: the cost depends on neither.
--
-- Its engine is none until its first event names one: the log decides that too.
-- p_fork {sessionId, threadId, title, prompt, agentId, agentVersionId, budgets: [{id, period, setBy, limitNanos}]}
-- Conditions are returned, not added: adding one is an event. [{name, kind, spec, waived}], those that stood at the checkpoint, in order; `waived`:
-- the reason, where a person had waived it by then, or null.
-- The checkpoint's row is locked, so that its image is not let go of meanwhile (thin_checkpoints).
create or replace function fork_session(p_tenant text, p_checkpoint text, p_fork jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  k checkpoint;
  s session;
  v_hash text;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into k from checkpoint where id = p_checkpoint and tenant_id = p_tenant and state = 'whole' for share;
  if not found then return null; end if;
  select * into s from session where id = k.session_id and deleted_at is null;
  if not found then return null; end if;
  select e.hash into v_hash from log_piece p join event e on e.session_id = p.source_session_id and e.seq = k.seq
    where p.session_id = s.id and k.seq between p.from_seq and p.to_seq;

  insert into session (id, tenant_id, title, prompt, agent_id, agent_version_id, environment_id, environment_version_id, metadata, primary_thread_id,
    max_evaluations, head, head_hash, base_seq, forked_from_id, baseline_snapshot_id, files_undone)
  values (p_fork->>'sessionId', p_tenant, coalesce(p_fork->>'title', s.title), coalesce(p_fork->>'prompt', s.prompt), coalesce(p_fork->>'agentId', s.agent_id),
    coalesce(p_fork->>'agentVersionId', s.agent_version_id), s.environment_id, s.environment_version_id, s.metadata, p_fork->>'threadId', s.max_evaluations,
    k.seq, v_hash, k.seq, k.id, k.context->>'baselineSnapshotId', coalesce(k.context->'filesUndone', '[]'));
  insert into thread (id, tenant_id, session_id, name, context_from_seq, context_tokens, undone)
  values (p_fork->>'threadId', p_tenant, p_fork->>'sessionId', 'main', (k.context->>'contextFromSeq')::int, (k.context->>'contextTokens')::int,
    coalesce(k.context->'undone', '[]'));
  insert into claim (thread_id, tenant_id, session_id) values (p_fork->>'threadId', p_tenant, p_fork->>'sessionId');
  insert into log_segment (session_id, from_seq, to_seq, tenant_id, source_session_id, source_thread_id)
  select p_fork->>'sessionId', p.from_seq, least(p.to_seq, k.seq), p_tenant, p.source_session_id, p.source_thread_id
    from log_piece p where p.session_id = s.id and p.from_seq <= k.seq and p.to_seq >= p.from_seq;
  insert into unread_message (session_id, seq, tenant_id, thread_id, mode)
  select p_fork->>'sessionId', (u->>'seq')::int, p_tenant, p_fork->>'threadId', u->>'mode' from jsonb_array_elements(k.context->'unread') u;
  -- What people had put in and no tool had met yet is not in the files: the fork puts it in itself.
  insert into upload (session_id, seq, tenant_id, path, kind, stored_bytes, content_hash)
  select p_fork->>'sessionId', u.seq, p_tenant, u.path, u.kind, u.stored_bytes, u.content_hash from upload u
    where u.session_id = s.id and u.seq <= k.seq and (u.placed_seq is null or u.placed_seq > k.seq);
  -- A cap of the session holds for its fork too, unless the fork has one of its own of that kind: forking sheds no cap.
  insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos, alert_percents)
  select b->>'id', p_tenant, 'SESSION', p_fork->>'sessionId', b->>'period', b->>'setBy', (b->>'limitNanos')::bigint, coalesce(
      (select array_agg(a::int) from jsonb_array_elements_text(b->'alertPercents') a), '{80,100}') from jsonb_array_elements(p_fork->'budgets') b;

  return jsonb_build_object(
    'parentId', s.id, 'seq', k.seq, 'environmentId', s.environment_id, 'environmentVersionId', s.environment_version_id, 'agentId', coalesce(p_fork->>'agentId', s.agent_id),
    'agentVersionId', coalesce(p_fork->>'agentVersionId', s.agent_version_id), 'title', coalesce(p_fork->>'title', s.title), 'prompt', coalesce(p_fork->>'prompt', s.prompt),
    'maxEvaluations', s.max_evaluations, 'openCalls', k.context->'openCalls',
    'conditions', (select coalesce(jsonb_agg(jsonb_build_object('name', c.name, 'kind', c.kind, 'spec', c.spec, 'waived', (select e.payload->>'reason' from event e
          where e.session_id = s.id and e.type = 'condition.waived' and e.seq <= k.seq and e.payload->>'conditionId' = c.id limit 1)) order by c.position, c.id), '[]')
      from condition c where c.session_id = s.id and c.position <= k.seq));
end $$;

-- What a fork's agent, money and files depend on, before any is made. Its files stay from here on until the transaction has ended. Null where there is no such checkpoint to fork from.
create or replace function read_fork_source(p_tenant text, p_checkpoint text) returns jsonb
language plpgsql set search_path = public as $$
declare
  k checkpoint;
  o jsonb;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into k from checkpoint where id = p_checkpoint and tenant_id = p_tenant and state = 'whole' for share;
  if not found then return null; end if;
  o := hold_files(p_tenant, k.session_id, k.id);
  return (select jsonb_build_object('sessionId', s.id, 'agentId', s.agent_id, 'model', v.model, 'judgeModel', v.judge_model, 'problem', problem_of_files(k, o),
      'engineId', case when o->>'imageId' is not null and engine_answers(o->>'engineId') then o->>'engineId' end,
      'hasImage', o->>'imageId' is not null, 'hasArchive', o->>'snapshotId' is not null,
      'rubricModels', (select coalesce(jsonb_agg(c.spec->>'model'), '[]') from condition c where c.session_id = s.id and c.position <= k.seq and c.spec->>'model' is not null),
      'budgets', (select coalesce(jsonb_agg(jsonb_build_object('period', b.period, 'setBy', b.set_by, 'limitNanos', b.limit_nanos::text, 'alertPercents', b.alert_percents)), '[]')
        from budget b where b.scope = 'SESSION' and b.scope_id = s.id))
    from session s join agent_version v on v.id = s.agent_version_id where s.id = k.session_id and s.deleted_at is null);
end $$;
