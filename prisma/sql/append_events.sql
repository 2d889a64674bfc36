-- The one door to the log: fence, number, hash, insert, project, move the turn and settle its money, in one round trip.
--
-- p_epoch  the claim's epoch for what a turn writes; null for what people and the platform write.
-- p_events [{type, actor, payload, costNanos?}]
-- p_guard  what must still hold, else nothing is written: {"unread": 0}, {"control": false} or the one wish that it obeys, {"satisfied": true} (all conditions that are open),
--          {"conditions": 0} (there is none), {"budget": {id, limitNanos, spentNanos?}} (the cap stands as it refused, and no less is spent)
-- p_turn   what becomes of the turn, see move_turn; null leaves it.
-- p_settle {reservationId, costNanos, usage, basis}: settled in the same transaction; null for none.
--
-- Returns {first, head, headHash, status, control, wakes} or {refused: 'not_found' | 'stale_epoch' | 'unread' | 'control' | 'conditions' | 'budget'}.
-- Lock order: session, claim, turn, budgets.
--
-- What each of these functions costs is the statements it makes more than the rows they touch: an expression is a tenth of a statement,
-- so the tenant is set by one, and a question is not asked where its answer is known.
create or replace function append_events(p_tenant text, p_session text, p_thread text, p_epoch int, p_events jsonb, p_guard jsonb, p_turn jsonb, p_settle jsonb)
returns jsonb language plpgsql set search_path = public as $$
declare
  v_tenant text := set_config('longhaul.tenant', p_tenant, true);
  s session;
begin
  select * into s from session where id = p_session and deleted_at is null for no key update;
  if not found then
    return jsonb_build_object('refused', 'not_found');
  end if;
  if p_epoch is not null then
    perform from claim where thread_id = p_thread and session_id = p_session and epoch = p_epoch and worker_id is not null for share;
    if not found then
      return jsonb_build_object('refused', 'stale_epoch');
    end if;
  end if;
  -- Asked only where there is such a guard: a condition with a subquery is a query of its own, run whatever stands before its `and`.
  if p_guard is not null then
    if p_guard ? 'unread' then
      if exists (select from unread_message where session_id = p_session and thread_id = p_thread) then return jsonb_build_object('refused', 'unread'); end if;
    end if;
    if p_guard ? 'control' and s.control is distinct from nullif(p_guard->>'control', 'false') then
      return jsonb_build_object('refused', 'control');
    end if;
    if p_guard ? 'satisfied' then
      if exists (select from condition where session_id = p_session and status not in ('SATISFIED', 'WAIVED')) then return jsonb_build_object('refused', 'conditions'); end if;
    end if;
    if p_guard ? 'conditions' then
      if exists (select from condition where session_id = p_session) then return jsonb_build_object('refused', 'conditions'); end if;
    end if;
    -- Locked against whoever changes it: he sees this turn wait, or it sees what he has changed. Else both would look before the other writes.
    if p_guard ? 'budget' then
      perform from budget where id = p_guard->'budget'->>'id' and limit_nanos = (p_guard->'budget'->>'limitNanos')::bigint for share;
      if not found then
        return jsonb_build_object('refused', 'budget');
      end if;
      -- Read once the lock is there: what was presumed of a dead worker's call may have turned out to be less.
      if p_guard->'budget' ? 'spentNanos' and exists (select from budget u join spend x on x.scope = u.scope and x.scope_id = u.scope_id
          where u.id = p_guard->'budget'->>'id' and (p_guard->'budget'->>'spentNanos')::bigint
            > case u.period when 'DAY' then x.day_spent when 'MONTH' then x.month_spent else x.total_spent end) then
        return jsonb_build_object('refused', 'budget');
      end if;
    end if;
  end if;
  return append_locked(s, p_thread, p_events, p_turn, p_settle, false);
end $$;

-- What is left where the session's row is locked and nothing refuses. With p_show the answer has the row as it now is, `session`.
create or replace function append_locked(s session, p_thread text, p_events jsonb, p_turn jsonb, p_settle jsonb, p_show boolean) returns jsonb
language plpgsql as $$
declare
  v_first int := s.head + 1;
  v_wakes jsonb := '[]';
  v_alerts jsonb;
begin
  s := append_to_log(s, p_thread, p_events);
  if p_turn is not null then
    s := move_turn(s, p_thread, p_turn);
  end if;
  if p_settle is not null then
    v_alerts := settle_reservation(p_settle)->'alerts';
    if v_alerts is not null and jsonb_array_length(v_alerts) > 0 then
      s := append_to_log(s, p_thread, v_alerts);
    end if;
  end if;
  if p_turn is null and p_settle is null and jsonb_array_length(p_events) = 1
    and p_events->0->>'type' in ('user.message', 'agent.tool_call', 'agent.tool_result') then
    -- What these three change of the projection; they are most of a log, and writing all of it would take as long as the event itself.
    update session set head = s.head, head_hash = s.head_hash, activity = s.activity, tool_calls = s.tool_calls,
      rounds_since_message = s.rounds_since_message, updated_at = s.updated_at where id = s.id;
  else
    perform store_projection(s);
  end if;
  if p_turn is not null or p_settle is not null then
    v_wakes := fill_slots(s.tenant_id);
  end if;
  return jsonb_build_object('first', v_first, 'head', s.head, 'headHash', s.head_hash, 'status', s.status, 'control', s.control, 'wakes', v_wakes)
    || case when p_show then jsonb_build_object('session', to_jsonb(s)) else '{}' end;
end $$;
