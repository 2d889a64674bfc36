import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The key of the demo tenant that `npm start` made on this machine, so that a first try needs no key; empty where there is none. */
export async function readDemoKey(): Promise<string> {
  const text = await readFile(join(process.env.DATA_DIR ?? '.longhaul', 'demo.json'), 'utf8').catch(() => '{}') // no demo here
  return String((JSON.parse(text) as { adminKey?: string }).adminKey ?? '')
}
