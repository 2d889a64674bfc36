import { expect, test } from 'vitest'
import { isDatabaseUnreachable } from './errors.ts'

const withCode = (code: string, message = 'x') => Object.assign(new Error(message), { code })

test.each([
  withCode('ECONNREFUSED'),
  withCode('57P01', 'terminating connection due to administrator command'),
  withCode('53300', 'sorry, too many clients already'),
  withCode('53100', 'could not extend file: No space left on device'),
  withCode('P1017'),
  new Error('Connection terminated unexpectedly'),
  new Error('outer', { cause: withCode('ECONNRESET') }),
  new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]),
  Object.assign(new Error('raw'), {
    code: 'P2010',
    meta: { driverAdapterError: { name: 'DriverAdapterError', cause: { kind: 'ConnectionClosed' } } },
  }),
])('%o means that there is no database', (error) => {
  expect(isDatabaseUnreachable(error)).toBe(true)
})

test.each([new Error('no such column'), withCode('23505'), withCode('40001'), withCode('42P01'), null, 'ECONNREFUSED', withCode('P2010')])(
  '%o is not about the connection',
  (error) => {
    expect(isDatabaseUnreachable(error)).toBe(false)
  },
)
