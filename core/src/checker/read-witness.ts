/**
 * What only an outsider knows, written down by those who saw it: one JSON object a line, appended at once, so that no kill loses it.
 *
 * The model's witness, by the scripted model: one line for each answer that was begun, what it counted and whether it was finished.
 *   {"v":1,"requestId":"req_1","session":"ses_…"|null,"model":"…","finished":true,"costNanos":"123", …}
 *
 * The clients' witness, by the tests' clients; `kind` says what was seen:
 *   {"v":1,"kind":"accepted","sessionId":"ses_…","seq":7}                   a mutation answered success, and named this event (or null)
 *   {"v":1,"kind":"result","tenantId":"tnt_…","mutation":"createSession","key":"abc","result":"ses_…"}   what an idempotency key was answered with
 *   {"v":1,"kind":"status","sessionId":"ses_…","status":"CANCELED"}         a status as it was shown
 *   {"v":1,"kind":"subscribed","subscriber":"a","sessionId":"ses_…","after":3}   a subscription began, or was taken up again, after this seq
 *   {"v":1,"kind":"event","subscriber":"a","sessionId":"ses_…","seq":4,"type":"user.message"}   an event that it delivered
 *   {"v":1,"kind":"effect","sessionId":"ses_…","key":"order-7"}             a side effect that arrived at a server outside; `key` stands in the call's input
 *   {"v":1,"kind":"tenant","tenantId":"tnt_…","fingerprint":"…"}            a tenant's rows as they were, by fingerprintTenant: nothing may change them
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'

const modelLine = z.object({
  v: z.literal(1),
  requestId: z.string(),
  session: z.string().nullable(),
  model: z.string(),
  finished: z.boolean(),
  costNanos: z.string().regex(/^\d+$/).transform(BigInt),
})

const clientLine = z.discriminatedUnion('kind', [
  z.object({ v: z.literal(1), kind: z.literal('accepted'), sessionId: z.string(), seq: z.int().nullable() }),
  z.object({ v: z.literal(1), kind: z.literal('result'), tenantId: z.string(), mutation: z.string(), key: z.string(), result: z.string() }),
  z.object({ v: z.literal(1), kind: z.literal('status'), sessionId: z.string(), status: z.string() }),
  z.object({ v: z.literal(1), kind: z.literal('subscribed'), subscriber: z.string(), sessionId: z.string(), after: z.int() }),
  z.object({ v: z.literal(1), kind: z.literal('event'), subscriber: z.string(), sessionId: z.string(), seq: z.int(), type: z.string() }),
  z.object({ v: z.literal(1), kind: z.literal('effect'), sessionId: z.string(), key: z.string().min(1) }),
  z.object({ v: z.literal(1), kind: z.literal('tenant'), tenantId: z.string(), fingerprint: z.string() }),
])

export type ModelLine = z.infer<typeof modelLine>
export type ClientLine = z.infer<typeof clientLine>
export type ClientLineOf<K extends ClientLine['kind']> = Extract<ClientLine, { kind: K }>

export const readModelWitness = (files: readonly string[]): Promise<ModelLine[]> => readLines(files, modelLine)
export const readClientWitness = (files: readonly string[]): Promise<ClientLine[]> => readLines(files, clientLine)

/** Throws with file and number of the line that is not one of ours. A last line without its end was cut by a kill: it says nothing. */
const readLines = async <S extends z.ZodType>(files: readonly string[], schema: S): Promise<z.infer<S>[]> => {
  const lines: z.infer<S>[] = []
  for (const file of files) {
    const texts: string[] = []
    for await (const text of createInterface({ input: createReadStream(file) })) texts.push(text)
    for (const [index, text] of texts.entries()) {
      const value = parseLine(text)
      if (value === undefined && index === texts.length - 1) continue
      const parsed = schema.safeParse(value)
      if (!parsed.success) throw new Error(`${file}:${index + 1} is no witness line: ${z.prettifyError(parsed.error)}`)
      lines.push(parsed.data)
    }
  }
  return lines
}

const parseLine = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // judged by the caller, who knows whether it was the last
  }
}
