-- Whether a position lies in one of the stretches [[first, last]] that are skipped since a rewind: core/src/events/undone.ts says the same.
create or replace function is_undone(p_undone jsonb, p_seq int) returns boolean
language sql immutable as $$
  select exists (select from jsonb_array_elements(p_undone) r where p_seq between (r->>0)::int and (r->>1)::int)
$$;
