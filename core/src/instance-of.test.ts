import { expect, test } from 'vitest'
import { instanceOf } from './instance-of.ts'

test('an installation is named by its database, not by who asks it', () => {
  const local = instanceOf('postgresql://a:b@127.0.0.1:5432/longhaul')
  expect(instanceOf('postgresql://x:y@127.0.0.1/longhaul')).toBe(local)
  expect(instanceOf('postgresql://a:b@127.0.0.1:5433/longhaul')).not.toBe(local)
})
