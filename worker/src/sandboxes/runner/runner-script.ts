import { readFileSync } from 'node:fs'

/** The runner, as a shell gets it on its command line: nothing has to be in the image. */
export const runnerScript = readFileSync(new URL('./runner.sh', import.meta.url), 'utf8')
