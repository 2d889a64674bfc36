-- What a session is taken back to: a whole checkpoint of its own, or one that it inherits. Null where it has no such one. The caller has
-- locked the session; the files of that moment stay from here on until his transaction has ended.
--
-- {seq, label, problem, context, sandbox: {provider, image} | null, engineId, origin: {id, engineId, hasImage, hasArchive} | null}
-- `origin`: where the files of that moment lie; its engine is null where no worker of it answers. `engineId`: the session's own, likewise.
create or replace function read_rewind_target(p_tenant text, p_session text, p_checkpoint text) returns jsonb
language plpgsql set search_path = public as $$
declare
  k checkpoint;
  o jsonb;
begin
  perform set_config('longhaul.tenant', p_tenant, true);
  select x.* into k from session s join log_piece p on p.session_id = s.id
      join checkpoint x on x.session_id = p.source_session_id and x.seq between p.from_seq and p.to_seq
    where s.id = p_session and s.deleted_at is null and x.id = p_checkpoint and x.state = 'whole' for share of x;
  if not found then return null; end if;
  o := hold_files(p_tenant, p_session, k.id);
  return (select jsonb_build_object('seq', k.seq, 'label', k.label, 'problem', problem_of_files(k, o), 'context', k.context,
      'sandbox', case when s.sandbox_state is not null then jsonb_build_object('provider', s.sandbox_provider, 'image', s.sandbox_image) end,
      'engineId', case when engine_answers(s.engine_id) then s.engine_id end,
      'origin', case when o is not null then jsonb_build_object('id', o->>'id',
          'engineId', case when o->>'imageId' is not null and engine_answers(o->>'engineId') then o->>'engineId' end,
          'hasImage', o->>'imageId' is not null, 'hasArchive', o->>'snapshotId' is not null) end)
    from session s where s.id = p_session);
end $$;
