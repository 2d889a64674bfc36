-- What nobody can come back to goes for good. All of these see every tenant and are the platform's own.

-- Whether any row names these stored bytes: every table that has a content_hash counts, whoever adds one. A table that the caller may not
-- read is an error and never an answer.
create or replace function is_content_named(p_hash text) returns boolean
language plpgsql stable set search_path = public as $$
declare
  v_table text;
  v_named boolean;
begin
  for v_table in select c.relname from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'content_hash' and not a.attisdropped loop
    execute format('select exists (select from %I where content_hash = $1)', v_table) into v_named using p_hash;
    if v_named then return true; end if;
  end loop;
  return false;
end $$;

-- Held by who names stored bytes while he looks whether they are there, and by who removes what nobody names.
create or replace function lock_content(p_hash text) returns void
language sql set search_path = public as $$
  select pg_advisory_xact_lock(hashtextextended('longhaul.content:' || p_hash, 0))
$$;

-- A session that was deleted goes with its log and all of its rows, unless another's log begins with a piece of it. What it spent stays.
-- Returns the stored bytes that its snapshots, uploads and downloads named, or null where it has to stay.
create or replace function purge_session(p_session text) returns text[]
language plpgsql set search_path = public as $$
declare
  v_hashes text[];
begin
  perform from session where id = p_session and deleted_at is not null for update skip locked;
  if not found or exists (select from log_segment where source_session_id = p_session)
    or exists (select from session f join checkpoint k on k.id = f.forked_from_id where k.session_id = p_session)
    or exists (select from reservation where session_id = p_session and state = 'held') then
    return null;
  end if;
  select coalesce(array_agg(content_hash), '{}') into v_hashes from (
    select content_hash from snapshot where session_id = p_session
    union select content_hash from upload where session_id = p_session
    union select content_hash from download where session_id = p_session) x;
  delete from checkpoint where session_id = p_session;
  delete from session where id = p_session;
  return v_hashes;
end $$;

-- A checkpoint lets go of its files, unless a fork has begun from it or from one that leans on it, or a session was taken back to it: who is
-- about to has locked it, or finds why he can't. Its place in the log stays. Returns the stored bytes that it named, or null where nothing was.
create or replace function free_checkpoint_files(p_checkpoint text) returns text
language plpgsql set search_path = public as $$
declare
  v_snapshot text;
  v_hash text;
begin
  select snapshot_id into v_snapshot from checkpoint
    where id = p_checkpoint and state = 'whole' and problem is null and trigger in ('CADENCE', 'SUSPEND', 'BEFORE_EVALUATION') for update skip locked;
  if not found or is_leaned_on(p_checkpoint) or exists (select from session where forked_from_id = p_checkpoint or files_checkpoint_id = p_checkpoint) then return null; end if;
  update checkpoint set snapshot_id = null, image_id = null, problem = 'checkpoints that nobody asked for thin out with age, and its files are gone' where id = p_checkpoint;
  delete from snapshot n where n.id = v_snapshot and not exists (select from checkpoint where snapshot_id = n.id) returning n.content_hash into v_hash;
  return v_hash;
end $$;
