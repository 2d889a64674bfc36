-- Appends what a turn has decided and holds its model call's worst case, in one round trip: what append_events and reserve_call say, one
-- after the other. Returns what reserve_call returns, and `appended` beside it: events are in the log also where a budget refuses.
create or replace function begin_call(p_tenant text, p_session text, p_thread text, p_epoch int, p_events jsonb, p jsonb) returns jsonb
language plpgsql set search_path = public as $$
declare
  v_appended jsonb;
begin
  v_appended := append_events(p_tenant, p_session, p_thread, p_epoch, p_events, null, null, null);
  if v_appended ? 'refused' then return jsonb_build_object('refused', v_appended->'refused'); end if;
  return reserve_call(p_tenant, p_session, p_thread, p_epoch, p) || jsonb_build_object('appended', v_appended);
end $$;
