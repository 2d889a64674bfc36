/** How the contract asks a model: each question follows a script of its own, and comes back with what the server counted for it. */
import type { Fault, Script, Step } from '@longhaul/core/testing/scripted-model/script.ts'
import type { Charge } from '@longhaul/core/testing/scripted-model/witness.ts'
import type { Model, ModelDelta, ModelOutcome, ModelRequest } from './model.ts'

export type ModelFixture = {
  /** Gives up a silent call after 300 ms, and an answer after 1 MB. */
  model: Model
  modelName: string
  /** The conversation that follows it has `[[script:NAME]]` in its text. */
  addScript(name: string, script: Script): void
  /** Settled calls of the server, oldest first. */
  charges: Charge[]
  stop(): Promise<void>
}

export type Asked = { outcome: ModelOutcome; deltas: ModelDelta[]; charge: Charge | undefined }
export type AskOptions = Partial<ModelRequest> & Partial<Parameters<Model['call']>[1]>

export const call = (command: string) => ({ name: 'bash', input: { command } })
export const long = 'One two three, four five six. '.repeat(20)

const tools = [
  { name: 'bash', description: 'Runs a command.', inputSchema: { type: 'object', properties: { command: { type: 'string' } } } },
]

export class ModelAsker {
  #start: () => Promise<ModelFixture>
  #fixture: ModelFixture | null = null
  #scripts = 0

  constructor(start: () => Promise<ModelFixture>) {
    this.#start = start
  }

  async start(): Promise<void> {
    this.#fixture = await this.#start()
  }

  async stop(): Promise<void> {
    await this.fixture.stop()
  }

  get fixture(): ModelFixture {
    if (!this.#fixture) throw new Error('The fixture has not been started.')
    return this.#fixture
  }

  /** The marker of the question before, or of one to come. */
  marker(ahead = 0): string {
    return `[[script:contract-${this.#scripts + ahead}]]`
  }

  async ask(
    step: Step | Step[],
    { signal = new AbortController().signal, onDelta, onRequestSent, ...fields }: AskOptions = {},
  ): Promise<Asked> {
    const { model, modelName, addScript, charges } = this.fixture
    addScript(`contract-${++this.#scripts}`, [step].flat())
    const settled = charges.length
    const deltas: ModelDelta[] = []
    const messages = fields.messages ?? [{ role: 'user' as const, content: [{ type: 'text' as const, text: this.marker() }] }]
    const request = { model: modelName, maxTokens: 4_000, system: 'You work.', tools, ...fields, messages }
    const outcome = await model.call(request, {
      signal,
      onRequestSent,
      onDelta: (delta) => {
        deltas.push(delta)
        onDelta?.(delta)
      },
    })
    return { outcome, deltas, charge: charges[settled] }
  }

  askWith(fault: Fault, step: Step = {}): Promise<Asked> {
    return this.ask({ text: long, toolCalls: [call('ls')], ...step, faults: [fault] })
  }
}
