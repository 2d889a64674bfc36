-- Which engines have workers. A session stays with the engine that holds its sandbox for as long as a worker of it may come back; once
-- the engine is gone any other takes it, and what that begins with is its newest stored checkpoint.

-- Whether a worker that can reach this engine is alive; null is any engine.
create or replace function engine_answers(p_engine text) returns boolean
language sql stable set search_path = public as $$
  select p_engine is null or exists (select from lease where engine_id = p_engine and expires_at > clock_timestamp())
$$;

-- Whether nobody waits for this engine any more. What is with it may go anywhere.
create or replace function engine_gone(p_engine text) returns boolean
language sql stable set search_path = public as $$
  select exists (select from engine where id = p_engine and gone)
$$;

-- Where a session's wakes go: to its own engine's workers, or to anybody (null).
create or replace function wake_engine(p_engine text) returns text
language sql stable set search_path = public as $$
  select case when not engine_gone(p_engine) then p_engine end
$$;

-- Whether it is being emptied, by somebody who lives, or has been: its workers take nothing more.
create or replace function engine_drains(p_engine text) returns boolean
language sql stable set search_path = public as $$
  select exists (select from engine e where e.id = p_engine and e.draining
    and (e.gone or exists (select from lease l where l.worker_id = e.drained_by and l.expires_at > clock_timestamp())))
$$;

-- From here on nobody takes anything on this engine, for as long as this lease lives. False where another empties it already.
create or replace function begin_drain(p_engine text, p_worker text) returns boolean
language plpgsql set search_path = public as $$
begin
  insert into engine (id, draining, drained_by) values (p_engine, true, p_worker)
  on conflict (id) do update set draining = true, drained_by = p_worker, gone = false, looked_at = null, absent_ms = 0
    where engine.gone or not engine_drains(engine.id);
  return found;
end $$;

-- Whether it is still emptied under this lease: a worker may have started on it, or the lease have run out for a moment, and others have
-- taken work there since.
create or replace function is_drained_by(p_engine text, p_worker text) returns boolean
language sql stable set search_path = public as $$
  select engine_drains(p_engine) and exists (select from engine where id = p_engine and not gone and drained_by = p_worker)
$$;

-- It is empty: from here on anybody takes its sessions. False where it is not emptied any more.
create or replace function end_drain(p_engine text, p_worker text) returns boolean
language plpgsql set search_path = public as $$
begin
  update engine set gone = true where id = p_engine and is_drained_by(p_engine, p_worker);
  return found;
end $$;

-- Whether somebody would take a wake of this engine's sessions. While it is emptied nobody may, and afterwards anybody.
create or replace function engine_takes(p_engine text) returns boolean
language sql stable set search_path = public as $$
  select engine_gone(p_engine) or (engine_answers(p_engine) and not engine_drains(p_engine))
$$;

-- One look of the sweep. An engine is gone once no worker of it has lived for p_move_after_ms in which another could have taken its
-- sessions. Only such time counts: a look counts for what passed since the one before, and at most for a third of the wait, so that after
-- an outage of all workers the first to come back takes nothing from those that come seconds later. What comes back is never gone; one that was
-- emptied is, until a worker starts on it. Who empties it has a lease of it: should he die, it is emptied no longer.
create or replace function look_at_engines(p_move_after_ms int) returns void
language sql set search_path = public as $$
  update engine e set draining = false, drained_by = null where e.draining and not engine_drains(e.id);

  update engine e set absent_ms = 0, looked_at = null, gone = false
  where (e.looked_at is not null or e.gone) and not e.draining and engine_answers(e.id);

  update engine e set looked_at = clock_timestamp(), absent_ms = x.ms, gone = x.ms >= p_move_after_ms
  from (
    select id, absent_ms + case when looked_at is null then 0 else least(extract(epoch from clock_timestamp() - looked_at) * 1000, p_move_after_ms / 3.0) end::int as ms
    from engine where not gone and not engine_answers(id)
  ) x
  where e.id = x.id and exists (select from lease l where l.kind = 'worker' and l.engine_id is not null and l.expires_at > clock_timestamp());
$$;
