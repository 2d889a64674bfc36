/**
 * The scripted model as a process of its own. Settings: PORT (0: any), HOST (127.0.0.1), SCRIPTS (a JSON file), WITNESS (a file to append to),
 * CHUNK_DELAY_MS (pace of the `repair` demo), TOKENS_PER_MINUTE. Prints one line of JSON when it listens: {"ready":true,"url":…}.
 */
import { readScripts } from './script.ts'
import { startScriptedModel } from './scripted-model.ts'
import { repairScript } from './scripts/repair.ts'

const { PORT, HOST, SCRIPTS, WITNESS, CHUNK_DELAY_MS, TOKENS_PER_MINUTE } = process.env

const model = await startScriptedModel({
  port: Number(PORT ?? 0),
  host: HOST,
  scripts: { repair: repairScript({ chunkDelayMs: Number(CHUNK_DELAY_MS ?? 0) }), ...(SCRIPTS ? readScripts(SCRIPTS) : {}) },
  witnessFile: WITNESS,
  tokensPerMinute: TOKENS_PER_MINUTE ? Number(TOKENS_PER_MINUTE) : null,
  keep: 0,
})
process.stdout.write(`${JSON.stringify({ ready: true, url: model.url, apiKey: model.apiKey })}\n`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void model.stop())
