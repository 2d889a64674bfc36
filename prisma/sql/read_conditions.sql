-- A session's done-conditions in the order they were added, waived ones too. Sets the tenant itself: one round trip.
create or replace function read_conditions(p_tenant text, p_session text)
returns table (id text, name text, kind text, spec jsonb, status text)
language plpgsql set search_path = public as $$
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  return query select c.id, c.name, c.kind, c.spec, c.status from condition c where c.session_id = p_session order by c.position, c.id;
end $$;
