// `npm run session`: starts a session and shows its timeline live; a small client of the public API.
import { createApiClient } from './api-client.ts'
import { askOfSessions } from './ask-of-sessions.ts'
import { cleanText } from './clean-text.ts'
import { createSession } from './create-session.ts'
import { parseSessionOptions, SESSION_HELP } from './parse-session-options.ts'
import { readDemoKey } from './read-demo-key.ts'
import { showSession } from './show-session.ts'
import { transferFiles } from './transfer-files.ts'

try {
  const options = parseSessionOptions(process.argv.slice(2), process.env, await readDemoKey())
  if (options === 'help') {
    process.stdout.write(SESSION_HELP)
    process.exit(0)
  }
  if ('transfer' in options && options.transfer) {
    await transferFiles(options, options.transfer, (text) => process.stdout.write(`${cleanText(text)}\n`))
    process.exit(0)
  }
  const client = createApiClient(options)
  if (!('conditions' in options)) {
    process.stdout.write(await askOfSessions(client, options))
    client.close()
    process.exit(0)
  }
  const sessionId = options.follow ?? (await createSession(client, options))
  process.stdout.write(`session ${sessionId} (leaving with Ctrl-C does not stop it; --follow ${sessionId} comes back)\n`)
  const { status } = await showSession(client, { sessionId, output: process.stdout })
  client.close()
  process.exit(status === 'FAILED' || status === 'CANCELED' ? 1 : 0)
} catch (error) {
  process.stderr.write(`${cleanText(error instanceof Error ? error.message : String(error))}\n`)
  process.exit(1)
}
