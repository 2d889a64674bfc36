-- What a session was asked to do, or null. Sets the tenant itself: one round trip.
create or replace function read_prompt(p_tenant text, p_session text) returns text
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return (select prompt from session where id = p_session);
end $$;
