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
  /** A file or folder for the workspace. `digest`: of the stored bytes; a folder's are a tar. */
  'user.upload': z.object({
    v: z.literal(1),
    path: z.string(),
    kind: z.enum(['file', 'folder']),
    files: z.int(),
    sizeBytes: z.int(),
    storedBytes: z.int(),
    digest: z.string(),
  }),
  /** From here on the agent knows of them. Written by the turn that asks the model next. */
  'user.upload_read': z.object({ v: z.literal(1), turnId: z.string(), seqs: z.array(z.int()).min(1) }),
  /** They are in the sandbox, or can't be. Written by the turn that put them in, before its next tool. */
  'user.upload_placed': z.object({
    v: z.literal(1),
    turnId: z.string(),
    seqs: z.array(z.int()),
    refused: z.array(z.object({ seq: z.int(), reason: z.string() })),
  }),
  'user.interrupt': z.object({ v: z.literal(1), messageSeq: z.int().nullable() }),
}
