-- Set-ups of environments: one build an engine and a tenant's set-up, for however many sessions wait. A row is a wish until a worker of
-- the engine takes it; what a dead worker was building is asked for again, three times, and then it has failed.

-- What there is of a version's set-up on an engine; asked for under p_id where there is nothing to use. p_not: a build that the asker has
-- no use for, because its image is gone or it was told of that failure already. Another's failure stands for five minutes.
-- Returns {id, state, imageId, baseImageId, exitCode, failedLine, problem, log} or {refused: 'not_found'}.
create or replace function ask_build(p_tenant text, p_version text, p_engine text, p_id text, p_not text) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_hash text;
  b environment_build;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select setup_hash into v_hash from environment_version where id = p_version;
  if v_hash is null then return '{"refused": "not_found"}'; end if;
  perform pg_advisory_xact_lock(hashtextextended('longhaul.build:' || p_tenant || ':' || p_engine || ':' || v_hash, 0));
  select * into b from environment_build where setup_hash = v_hash and engine_id = p_engine order by created_at desc limit 1;
  if b.id is null or not (b.state in ('asked', 'building')
    or (b.id is distinct from p_not and (b.state = 'built' or b.finished_at > clock_timestamp() - interval '5 minutes'))) then
    insert into environment_build (id, tenant_id, environment_version_id, engine_id, setup_hash, created_at)
    values (p_id, p_tenant, p_version, p_engine, v_hash, clock_timestamp()) returning * into b;
    delete from environment_build where setup_hash = v_hash and engine_id = p_engine and id not in (
      select k.id from environment_build k where k.setup_hash = v_hash and k.engine_id = p_engine order by k.created_at desc limit 50);
  end if;
  return jsonb_build_object('id', b.id, 'state', b.state, 'imageId', b.image_id, 'baseImageId', b.base_image_id, 'exitCode', b.exit_code,
    'failedLine', b.failed_line, 'problem', b.problem, 'log', right(b.log, 2000));
end $$;

-- Takes a build that is asked for, once. Returns what it is made from, or null where somebody else has it, its time has not come, or its
-- engine is emptied: nobody could use it there.
create or replace function take_build(p_tenant text, p_build text, p_worker text) returns jsonb
language plpgsql set search_path = public as $$
declare
  b environment_build;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  update environment_build set state = 'building', worker_id = p_worker, attempts = attempts + 1, started_at = clock_timestamp(), log = '', log_truncated = false
  where id = p_build and state = 'asked' and coalesce(retry_at <= clock_timestamp(), true) and not engine_drains(engine_id) returning * into b;
  if not found then return null; end if;
  return (select jsonb_build_object('id', b.id, 'tenantId', b.tenant_id, 'attempts', b.attempts, 'image', v.image, 'network', v.network, 'script', v.setup_script,
    'cpus', v.cpus, 'memoryMb', v.memory_mb, 'diskMb', v.disk_mb) from environment_version v where v.id = b.environment_version_id);
end $$;

-- What its script has printed so far, and under which name its image will be found. False where the build is no longer this worker's.
create or replace function note_build(p_tenant text, p_build text, p_worker text, p_note jsonb) returns boolean
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  update environment_build set key = coalesce(p_note->>'key', key), base_image_id = coalesce(p_note->>'baseImageId', base_image_id),
    log = coalesce(p_note->>'log', log), log_truncated = coalesce((p_note->>'logTruncated')::boolean, log_truncated)
  where id = p_build and state = 'building' and worker_id = p_worker;
  return found;
end $$;

-- Ends a build and wakes who waits for it. p_result {state: 'built', imageId} | {state: 'failed', problem, exitCode?, failedLine?}
-- | {state: 'asked', problem, retryInMs, counts}: tried again, and failed after three that count.
-- Returns {state, wakes}; state is null where the build is no longer this worker's.
create or replace function finish_build(p_tenant text, p_build text, p_worker text, p_result jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  b environment_build;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select * into b from environment_build where id = p_build and state = 'building' and worker_id = p_worker for no key update;
  if not found then return '{"state": null, "wakes": []}'; end if;
  b.state := p_result->>'state';
  if b.state = 'asked' then
    if not (p_result->>'counts')::boolean then
      b.attempts := b.attempts - 1;
    elsif b.attempts >= 3 then
      b.state := 'failed';
    end if;
  end if;
  update environment_build set state = b.state, attempts = b.attempts, worker_id = null, image_id = p_result->>'imageId', problem = p_result->>'problem',
    exit_code = (p_result->>'exitCode')::int, failed_line = (p_result->>'failedLine')::int,
    retry_at = case b.state when 'asked' then clock_timestamp() + (p_result->>'retryInMs')::bigint * interval '1 millisecond' end,
    finished_at = case when b.state <> 'asked' then clock_timestamp() end
  where id = b.id;
  return jsonb_build_object('state', b.state, 'wakes', wake_for_build(p_tenant, p_build));
end $$;

-- Turns that wait for a build which is over become due. Returns the jobs to add.
create or replace function wake_for_build(p_tenant text, p_build text) returns jsonb
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  if exists (select from environment_build where id = p_build and state in ('asked', 'building')) then
    return '[]';
  end if;
  -- What is locked is somebody's who changes it, or the sweep's a second later.
  update turn set state = 'due', due_at = clock_timestamp(), wait_reason = null, wait_scope = null, woken_at = null where id in (
    select t.id from turn t where t.state = 'waiting' and t.wait_reason = 'environment' and t.wait_scope = p_build and t.tenant_id = p_tenant
    for no key update skip locked);
  return fill_slots(p_tenant);
end $$;

-- What dead workers were building is asked for again. What is asked of an engine that has no worker, or is emptied, is forgotten: who waits
-- for it asks where he runs next. Turns that wait for what is over, or forgotten, become due. Returns the jobs to add.
create or replace function sweep_builds() returns jsonb
language plpgsql set search_path = public as $$
declare
  v_wakes jsonb := '[]';
  v_tenant text;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('longhaul.builds', 0)) then
    return '[]';
  end if;
  update environment_build b set state = case when b.attempts >= 3 then 'failed' else 'asked' end, worker_id = null,
    problem = 'the worker that built it died', finished_at = case when b.attempts >= 3 then clock_timestamp() end
  where b.state = 'building' and not exists (select from lease l where l.worker_id = b.worker_id and l.expires_at > clock_timestamp());
  delete from environment_build where state = 'asked' and (not engine_answers(engine_id) or engine_drains(engine_id));
  for v_tenant in
    with woken as (
      update turn set state = 'due', due_at = clock_timestamp(), wait_reason = null, wait_scope = null, woken_at = null where id in (
        select t.id from turn t where t.state = 'waiting' and t.wait_reason = 'environment'
          and not exists (select from environment_build b where b.id = t.wait_scope and b.state in ('asked', 'building')) for no key update skip locked)
      returning tenant_id)
    select distinct tenant_id from woken
  loop
    if pg_try_advisory_xact_lock(hashtextextended('longhaul.slots:' || v_tenant, 0)) then
      v_wakes := v_wakes || fill_slots(v_tenant);
    end if;
  end loop;
  return v_wakes;
end $$;
