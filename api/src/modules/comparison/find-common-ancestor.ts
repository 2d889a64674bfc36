import type { TenantReads } from '../../context.ts'

/** `seq`: the events up to there are the same ones for both, 0 for none. The checkpoint is the newest that lies in them. */
export type CommonAncestor = { seq: number; checkpointId: string | null }

/** Where two lineages part: a piece of the log that both have begins with the same event of the same session, or they share nothing of it. */
export const findCommonAncestor = async ({ tenantId, read }: TenantReads, a: string, b: string): Promise<CommonAncestor> => {
  const [found] = await read(
    (prisma) => prisma.$queryRaw<CommonAncestor[]>`
      with shared as (
        select x.source_session_id as source, x.from_seq, least(x.to_seq, y.to_seq) as to_seq
        from log_piece x join log_piece y on y.source_session_id = x.source_session_id and y.from_seq = x.from_seq and y.tenant_id = x.tenant_id
        where x.session_id = ${a} and y.session_id = ${b} and x.tenant_id = ${tenantId})
      select coalesce(max(to_seq), 0)::int as seq,
        (select k.id from shared join checkpoint k on k.session_id = shared.source and k.seq between shared.from_seq and shared.to_seq
          where k.tenant_id = ${tenantId} and k.state = 'whole' order by k.seq desc, k.created_at desc limit 1) as "checkpointId"
      from shared`,
  )
  return found ?? { seq: 0, checkpointId: null }
}
