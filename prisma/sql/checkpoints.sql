-- Checkpoints. A row is a wish until a worker takes it; it is whole only together with its `session.checkpointed` in the log, and nothing
-- but a whole one is ever gone back to. What fences a checkpoint is the primary thread's epoch: between begin and record nobody may have
-- claimed the thread, or the files may not be those of the position.

-- Where a checkpoint begins: the log's head and the thread as it stands there. A wish that is asked for is taken, once; one of the
-- platform's own is added. p_epoch: the claim under which it is taken; null where nobody may hold one.
-- Returns {epoch, seq, threadId, contextFromSeq, contextTokens, undone, filesUndone, unread, baselineSnapshotId, engineId, sandboxId} or {refused: 'not_found' | 'held' | 'taken'}.
create or replace function begin_checkpoint(p_tenant text, p_session text, p_epoch int, p_worker text, p_checkpoint jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  s session;
  c claim;
  h thread;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into s from session where id = p_session and deleted_at is null for no key update;
  if not found then return '{"refused": "not_found"}'; end if;
  select * into c from claim where thread_id = s.primary_thread_id for share;
  if (p_epoch is null and c.worker_id is not null) or (p_epoch is not null and (c.worker_id is null or c.epoch <> p_epoch)) then
    return '{"refused": "held"}';
  end if;
  -- Of two workers of an engine that find the same sandbox idle, one makes it an image.
  if p_checkpoint->>'trigger' = 'SUSPEND' and (s.sandbox_id is null or exists (select from checkpoint k
      where k.session_id = s.id and k.state = 'taking' and k.trigger = 'SUSPEND'
        and exists (select from lease l where l.worker_id = k.taken_by and l.expires_at > clock_timestamp()))) then
    return '{"refused": "taken"}';
  end if;
  if p_checkpoint ? 'trigger' then
    insert into checkpoint (id, tenant_id, session_id, thread_id, state, taken_by, trigger, actor, created_at)
    values (p_checkpoint->>'id', p_tenant, s.id, s.primary_thread_id, 'taking', p_worker, p_checkpoint->>'trigger', 'platform', clock_timestamp());
  else
    update checkpoint set state = 'taking', taken_by = p_worker where id = p_checkpoint->>'id' and session_id = s.id and state = 'asked';
    if not found then return '{"refused": "taken"}'; end if;
  end if;
  select * into h from thread where id = s.primary_thread_id;
  return jsonb_build_object('epoch', c.epoch, 'seq', s.head, 'threadId', h.id, 'contextFromSeq', h.context_from_seq, 'contextTokens', h.context_tokens,
    'undone', h.undone, 'filesUndone', s.files_undone, 'unread', (select coalesce(jsonb_agg(jsonb_build_object('seq', u.seq, 'mode', u.mode) order by u.seq), '[]') from unread_message u
      where u.session_id = s.id and u.thread_id = h.id),
    'baselineSnapshotId', s.baseline_snapshot_id, 'engineId', s.engine_id, 'sandboxId', s.sandbox_id);
end $$;

-- Makes a taken checkpoint whole, with its event and what goes with it, if nobody has claimed the thread since it was begun.
-- p_taken {epoch, seq, context, engineId?, imageId?, snapshotId?, files}. Returns {sessionId, head} or {refused: 'not_found' | 'stale_epoch' | 'not_taking'}.
create or replace function record_checkpoint(p_tenant text, p_checkpoint text, p_taken jsonb, p_more jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  k checkpoint;
  s session;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into k from checkpoint where id = p_checkpoint;
  if not found then return '{"refused": "not_found"}'; end if;
  select * into s from session where id = k.session_id and deleted_at is null for no key update;
  if not found then return '{"refused": "not_found"}'; end if;
  perform from claim where thread_id = k.thread_id and epoch = (p_taken->>'epoch')::int for share;
  if not found then return '{"refused": "stale_epoch"}'; end if;
  update checkpoint set state = 'whole', seq = (p_taken->>'seq')::int, context = p_taken->'context', engine_id = p_taken->>'engineId',
    image_id = p_taken->>'imageId', snapshot_id = p_taken->>'snapshotId', problem = null
  where id = k.id and state = 'taking' returning * into k;
  if not found then return '{"refused": "not_taking"}'; end if;
  if k.image_id is null and k.snapshot_id is null then
    update checkpoint set files_from_id = hold_files(p_tenant, s.id, k.id)->>'id' where id = k.id;
  end if;
  s := append_to_log(s, k.thread_id, jsonb_build_array(jsonb_build_object('type', 'session.checkpointed', 'actor', k.actor, 'payload',
    jsonb_build_object('v', 1, 'checkpointId', k.id, 'seq', k.seq, 'trigger', k.trigger, 'label', k.label, 'files', p_taken->>'files'))) || p_more);
  perform store_projection(s);
  return jsonb_build_object('sessionId', s.id, 'head', s.head);
end $$;

-- A checkpoint that this worker has begun and that did not become whole: asked for again where a person waits for it and p_again, else failed
-- for good. Returns its state, which says whether it was so; null where there is none.
create or replace function fail_checkpoint(p_tenant text, p_checkpoint text, p_worker text, p_problem text, p_again boolean) returns text
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  update checkpoint set state = case when p_again and trigger = 'MANUAL' then 'asked' else 'failed' end, problem = p_problem
  where id = p_checkpoint and state = 'taking' and taken_by = p_worker;
  return (select state from checkpoint where id = p_checkpoint);
end $$;

-- What a dead worker was taking: asked for again where a person waits for it, else failed. Nobody asks for those of a deleted session. It
-- waits for no lock: what somebody has locked is his, or the next look's.
create or replace function free_checkpoints() returns void
language sql set search_path = public as $$
  update checkpoint k set state = case when k.trigger = 'MANUAL' then 'asked' else 'failed' end, problem = 'the worker that took it died'
  where k.id in (select c.id from checkpoint c
    where c.state = 'taking' and not exists (select from lease l where l.worker_id = c.taken_by and l.expires_at > clock_timestamp())
    for no key update skip locked);
  update checkpoint k set state = 'failed', problem = 'its session was deleted'
  where k.id in (select c.id from checkpoint c
    where c.state = 'asked' and exists (select from session s where s.id = c.session_id and s.deleted_at is not null)
    for no key update skip locked);
$$;

-- Which of these checkpoints' images may be let go of, because nobody can go back to them: marked so before it happens, in the order that a fork
-- looks in, or one that begins meanwhile would find its files gone. Wanted are those asked for or being taken, whose next image bears the same
-- name, and the whole ones in reach: the session is
-- there and somebody asked for it or it is among the p_kept newest, or a fork that is there may have to go back to it. Ids that nobody knows
-- are nobody's. What somebody has locked is left to the next time.
create or replace function thin_checkpoints(p_checkpoints text[], p_kept int) returns setof text
language plpgsql set search_path = public as $$
declare
  v_free text[];
begin
  -- A statement of its own: the next one sees every fork that was made before these were locked.
  v_free := array(select id from checkpoint where id = any(p_checkpoints) for no key update skip locked);
  return query with unwanted as (
    select k.id from checkpoint k join session s on s.id = k.session_id
    where k.id = any(v_free) and k.state not in ('asked', 'taking') and not (k.state = 'whole' and (
      is_leaned_on(k.id) or (s.deleted_at is null and (k.trigger in ('MANUAL', 'FORK') or k.id in (
        select n.id from checkpoint n where n.session_id = k.session_id and n.state = 'whole' and n.image_id is not null order by n.created_at desc limit p_kept)))
      or exists (select from log_segment g join session f on f.id = g.session_id
        where g.source_session_id = k.session_id and f.deleted_at is null and g.to_seq = k.seq)))
  ), thinned as (
    update checkpoint k set image_id = null, problem = coalesce(problem, case when image_id is not null and snapshot_id is null then 'its files are kept no longer' end)
    from unwanted u where k.id = u.id returning k.id
  )
  select t.id from thinned t
  union all
  select p.id from unnest(p_checkpoints) p (id) where not exists (select from checkpoint k where k.id = p.id);
end $$;

-- Whether others' files begin at this checkpoint's: a session was taken back to it, or one that has no files of its own, and that somebody asked
-- for or forked from, was taken while its files were these.
create or replace function is_leaned_on(p_checkpoint text) returns boolean
language sql stable set search_path = public as $$
  select exists (select from session f where f.files_checkpoint_id = p_checkpoint and f.deleted_at is null)
    or exists (select from checkpoint m join session s on s.id = m.session_id
      where m.files_from_id = p_checkpoint and m.image_id is null and m.snapshot_id is null and (
        (s.deleted_at is null and m.trigger not in ('CADENCE', 'SUSPEND', 'BEFORE_EVALUATION'))
        or exists (select from log_segment g join session f on f.id = g.session_id
          where g.source_session_id = m.session_id and f.deleted_at is null and g.to_seq = m.seq)))
$$;

-- The restore point that a session goes on from, or at p_checkpoint went on from, whose files stay until the transaction has ended; null where
-- they are the resources.
create or replace function hold_files(p_tenant text, p_session text, p_checkpoint text) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_point jsonb;
  v_locked text;
begin
  loop
    v_point := read_restore_points(p_tenant, p_session, p_checkpoint)->0;
    -- Looked at again once it is locked: who was just letting go of it has done so by then.
    exit when v_point is null or v_point->>'id' = v_locked;
    v_locked := v_point->>'id';
    perform from checkpoint where id = v_locked for share;
  end loop;
  return v_point;
end $$;

-- Why a checkpoint's files can't be used any more: its own, or those of the one that it leans on and that no restore point is any more. Null where they can.
create or replace function problem_of_files(k checkpoint, p_point jsonb) returns text
language sql stable set search_path = public as $$
  select coalesce(k.problem, (select coalesce(o.problem, 'those it was taken with are gone') from checkpoint o
    where o.id = k.files_from_id and o.id is distinct from p_point->>'id' and k.image_id is null and k.snapshot_id is null))
$$;

-- The archive of a whole checkpoint's workspace is stored. The first one counts; false where there is one already, or its files were let go of.
create or replace function attach_snapshot(p_tenant text, p_checkpoint text, p_snapshot text) returns boolean
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  update checkpoint set snapshot_id = p_snapshot where id = p_checkpoint and state = 'whole' and problem is null and snapshot_id is null;
  return found;
end $$;

-- A checkpoint's files turned out not to be those that were stored: it is never used again, the one before it is.
create or replace function condemn_checkpoint(p_tenant text, p_checkpoint text, p_problem text) returns void
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  update checkpoint set problem = p_problem where id = p_checkpoint;
end $$;

-- What a session's files can be restored from, newest first: its own checkpoints and those it inherits, but none that was undone. With
-- p_checkpoint: as they were there, so that one which was undone itself leads to itself. The newest ones, and the newest that is stored, however
-- many came after it that one engine alone has.
-- [{id, sessionId, seq, engineId, imageId, snapshotId}]
create or replace function read_restore_points(p_tenant text, p_session text, p_checkpoint text) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_at int := 2147483647;
  v_undone jsonb;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  if p_checkpoint is null then
    select files_undone into v_undone from session where id = p_session;
  else
    select seq, coalesce(context->'filesUndone', '[]') into v_at, v_undone from checkpoint where id = p_checkpoint and state = 'whole';
  end if;
  return (select coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'sessionId', x.session_id, 'seq', x.seq, 'engineId', x.engine_id, 'imageId', x.image_id, 'snapshotId', x.snapshot_id)
      order by x.seq desc, x.created_at desc), '[]')
    from (select k.*, row_number() over (order by k.seq desc, k.created_at desc) as place,
        row_number() over (partition by k.snapshot_id is not null order by k.seq desc, k.created_at desc) as place_among
      from log_piece p join checkpoint k on k.session_id = p.source_session_id and k.seq between p.from_seq and p.to_seq
      where p.session_id = p_session and k.seq <= v_at and not is_undone(v_undone, k.seq) and k.state = 'whole' and k.problem is null
        and (k.image_id is not null or k.snapshot_id is not null)) x
    where x.place <= 20 or (x.snapshot_id is not null and x.place_among = 1));
end $$;

-- How far a checkpoint is, for whoever waits for it: {state, problem}, or null.
create or replace function read_checkpoint_state(p_tenant text, p_checkpoint text) returns jsonb
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select jsonb_build_object('state', state, 'problem', problem) from checkpoint where id = p_checkpoint);
end $$;

-- Whose checkpoint this is, if it is whole and its session is there.
create or replace function read_checkpoint_owner(p_tenant text, p_checkpoint text) returns text
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select s.id from checkpoint k join session s on s.id = k.session_id and s.deleted_at is null where k.id = p_checkpoint and k.tenant_id = p_tenant and k.state = 'whole');
end $$;
