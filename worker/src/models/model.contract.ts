/**
 * What every provider's implementation of Model must do, against a server that speaks that provider's protocol and misbehaves on demand
 * (core/testing/scripted-model). Billing is checked against what the server itself counted.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answersContract } from './model-answers.contract.ts'
import { long, ModelAsker, type ModelFixture } from './model-asker.contract.ts'
import { failuresContract } from './model-failures.contract.ts'

export function modelContract(name: string, startFixture: () => Promise<ModelFixture>): void {
  describe(`${name} as a model`, () => {
    const asker = new ModelAsker(startFixture)
    beforeAll(() => asker.start())
    afterAll(() => asker.stop())

    answersContract(asker)
    failuresContract(asker)

    it('says once that the request has gone out', async () => {
      let sent = 0
      await asker.ask({ text: 'hello' }, { onRequestSent: () => sent++ })
      expect(sent).toBe(1)
    })

    it('rejects when whoever listens to deltas fails: that is no fault of the provider', async () => {
      const failing = () => {
        throw new Error('our own mistake')
      }
      await expect(asker.ask({ text: long }, { onDelta: failing })).rejects.toThrow('our own mistake')
    })
  })
}
