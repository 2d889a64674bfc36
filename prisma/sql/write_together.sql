-- Several sessions' appends and messages in one transaction: what commits together shares its round trip, its commit and its sync.
-- Only for writes that move no turn and settle no money, so a call locks its own session, claim and turn, and nothing that others share.
--
-- p_calls [{tenant, session, thread, epoch, events}] as append_events takes them, or [{tenant, session, expect, events, keep}] as
--         change_session does. Each sets its own tenant; row security is asked for each.
-- Returns their results in order. {refused: 'busy'}: somebody holds the session, or there is none; nothing was written, and the caller
-- asks alone. So no call waits behind another session's lock, and two batches that hold one another's sessions can't deadlock. An
-- error takes all with it, and each is then made alone.
create or replace function write_together(p_calls jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  c jsonb;
  v_results jsonb[] := '{}';
begin
  perform set_config('lock_timeout', '100ms', true); -- an idempotency key that somebody is just writing
  for c in select value from jsonb_array_elements(p_calls) loop
    perform set_config('longhaul.tenant', c->>'tenant', true);
    perform from session where id = c->>'session' for no key update skip locked;
    if not found then
      v_results := v_results || '{"refused": "busy"}'::jsonb;
    elsif c ? 'expect' then
      v_results := v_results || change_session(c->>'tenant', c->>'session', c->'expect', c->'events', null, nullif(c->'keep', 'null'));
    else
      v_results := v_results || append_events(c->>'tenant', c->>'session', c->>'thread', (c->>'epoch')::int, c->'events', null, null, null);
    end if;
  end loop;
  return to_jsonb(v_results);
end $$;
