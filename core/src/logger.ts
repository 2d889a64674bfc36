/** Structured logs on stderr, one JSON object a line. Must never carry a secret, a prompt or a payload (invariant 10). */
import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

const SECRETS = ['authorization', 'apiKey', 'secret', 'password', 'operatorKey', '*.authorization', '*.apiKey', '*.secret', '*.password']

export const createLogger = (options: { name: string; level: string }): Logger =>
  pino(
    { name: options.name, level: options.level, redact: { paths: SECRETS, censor: '[secret]' } },
    pino.destination({ dest: 2, sync: false }),
  )
