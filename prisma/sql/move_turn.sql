-- What becomes of a thread's open turn. The session's row is locked; the claim's and the turn's are locked here, in this order.
--
--   {op: 'settle', turnId, outcome, next: {id, kind, round?} | null}   done; the next is due at once
--   {op: 'delay',  turnId, dueInMs, attempt, reason}                   due again later; the claim is let go
--   {op: 'wait',   turnId, reason, scope?, dueAt? | dueInMs?}          waits for somebody; the claim is let go
--   {op: 'ensure', next: {id, kind}}                                   a person spoke: the open turn goes on, or a new one is due
--   {op: 'park',   reason}                                             an open turn that nobody runs waits from now on
--   {op: 'cancel'}                                                     settled whatever it does; the epoch rises, so its holder is fenced
-- and beside any of them {control: 'pause' | 'interrupt' | null}, the wish the running turn must obey, or {obeyed: 'interrupt'}, the one it has
-- obeyed: another that came meanwhile stands, and so does an interrupt for whose message the turn has not looked yet.
create or replace function move_turn(s session, p_thread text, p_turn jsonb) returns session
language plpgsql set search_path = public as $$
declare
  v_op text := p_turn->>'op';
  v_claimed_at timestamptz;
  t turn;
begin
  if v_op in ('settle', 'delay', 'wait') then
    update claim set worker_id = null, turn_id = null where thread_id = p_thread returning claimed_at into v_claimed_at;
  else
    perform from claim where thread_id = p_thread for no key update;
  end if;
  select * into t from turn where thread_id = p_thread and state <> 'settled' for no key update;

  if p_turn ? 'control' then
    s.control := p_turn->>'control';
  end if;
  if s.control = p_turn->>'obeyed' and not interrupts(s.id, p_thread) then
    s.control := null;
  end if;
  if v_op in ('settle', 'delay', 'wait') then
    if t.id is distinct from p_turn->>'turnId' then
      raise exception 'turn % is not the open turn of thread %', p_turn->>'turnId', p_thread using errcode = 'LH001';
    end if;
    s.active_ms := s.active_ms + (extract(epoch from clock_timestamp() - v_claimed_at) * 1000)::bigint;
  end if;

  case v_op
  when 'settle' then
    update turn set state = 'settled', outcome = p_turn->>'outcome', settled_at = clock_timestamp(), woken_at = null, wait_reason = null where id = t.id;
    if jsonb_typeof(p_turn->'next') = 'object' then
      perform add_turn(s, p_thread, p_turn->'next');
    else
      s.control := null; -- a wish that came too late to be obeyed must not meet the next turn
    end if;
  when 'delay' then
    update turn set state = 'due', due_at = clock_timestamp() + (p_turn->>'dueInMs')::bigint * interval '1 millisecond', attempt = (p_turn->>'attempt')::int,
      wait_reason = p_turn->>'reason', woken_at = null where id = t.id;
  when 'wait' then
    update turn set state = 'waiting', wait_reason = p_turn->>'reason', wait_scope = p_turn->>'scope', woken_at = null, attempt = 0,
      due_at = coalesce((p_turn->>'dueAt')::timestamptz, clock_timestamp() + (p_turn->>'dueInMs')::bigint * interval '1 millisecond', 'infinity') where id = t.id;
    if p_turn->>'reason' not in ('budget', 'environment') then
      s.control := null; -- it is paused, whatever for: an older wish must not meet the person who lets it go on
    end if;
  when 'ensure' then
    if t.id is null then
      perform add_turn(s, p_thread, p_turn->'next');
    elsif t.state = 'waiting' or (t.state = 'due' and t.wait_reason = 'retry') then
      update turn set state = 'due', due_at = clock_timestamp(), wait_reason = null, wait_scope = null, attempt = 0, crashes = 0, woken_at = null where id = t.id;
      if interrupts(s.id, p_thread) then
        s.control := 'interrupt'; -- calls of its answer that have not begun must never begin
      end if;
    end if;
  when 'park' then
    update turn set state = 'waiting', wait_reason = p_turn->>'reason', wait_scope = null, due_at = 'infinity', woken_at = null where id = t.id and state in ('due', 'waiting');
  when 'cancel' then
    update claim set epoch = epoch + 1, worker_id = null, turn_id = null where thread_id = p_thread;
    update turn set state = 'settled', outcome = 'canceled', settled_at = clock_timestamp(), woken_at = null where id = t.id;
  when 'control' then
    null;
  end case;
  return s;
end $$;

-- Whether a message that interrupts has not been read yet.
create or replace function interrupts(p_session text, p_thread text) returns boolean
language sql stable as $$
  select exists (select from unread_message where session_id = p_session and thread_id = p_thread and mode = 'interrupt')
$$;

-- A turn that is due now, when there is one to add.
create or replace function add_turn(s session, p_thread text, p_next jsonb) returns void
language sql set search_path = public as $$
  insert into turn (id, tenant_id, session_id, thread_id, kind, state, due_at, round, created_at)
  select p_next->>'id', s.tenant_id, s.id, p_thread, p_next->>'kind', 'due', clock_timestamp(), coalesce((p_next->>'round')::int, 0), clock_timestamp()
  where jsonb_typeof(p_next) = 'object'
$$;
