import { z } from 'zod'

/** What people say and decide. */
export const userEvents = {
  'user.message': z.object({
    v: z.literal(1),
    text: z.string(),
    mode: z.enum(['queue', 'steer', 'interrupt']),
    lossy: z.boolean().optional(),
  }),
  /** From here on the messages are part of the context. Written by the turn that reads them. */
  'user.message_read': z.object({ v: z.literal(1), turnId: z.string(), seqs: z.array(z.int()).min(1) }),
  'user.interrupt': z.object({ v: z.literal(1), messageSeq: z.int().nullable() }),
}
