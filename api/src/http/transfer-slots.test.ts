import { expect, it } from 'vitest'
import { TransferSlots } from './transfer-slots.ts'

it('gives each tenant so many, and one that is given back twice once', () => {
  const slots = new TransferSlots(2)
  const [first] = [slots.take('a'), slots.take('a')]
  expect(() => slots.take('a')).toThrow('2 uploads and downloads of this tenant')
  slots.take('b')
  first?.()
  first?.()
  slots.take('a')
  expect(() => slots.take('a')).toThrow('try again later')
})
