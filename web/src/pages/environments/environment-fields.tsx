import { type Problem, problemElsewhere, problemOf } from '../../api/problem.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { SelectField, TextArea, TextField } from '../../components/field.tsx'
import type { NetworkPolicy } from '../../generated/graphql.ts'
import type { EnvironmentDraft } from './environment-draft.ts'

export const NETWORK_WORDS: Record<NetworkPolicy, string> = {
  NONE: 'None: tools reach nothing outside',
  ALLOWLIST: 'Only the hosts named below',
  OPEN: 'Open: tools reach everything',
}

const PATHS = ['name', 'image', 'cpus', 'memoryMb', 'diskMb', 'network', 'allowedHosts', 'setupScript', 'idleSeconds', 'keepAwakeSeconds']

type Props = { draft: EnvironmentDraft; onDraft: (draft: EnvironmentDraft) => void; problem: Problem | null }

/** What an environment is made of, with what the API says about each part beside it. */
export const EnvironmentFields = ({ draft, onDraft, problem }: Props) => {
  const set = (part: Partial<EnvironmentDraft>) => onDraft({ ...draft, ...part })
  const elsewhere = problemElsewhere(problem, PATHS)
  return (
    <>
      <TextField
        label="Name"
        required
        maxLength={200}
        value={draft.name}
        onValue={(name) => set({ name })}
        error={problemOf(problem, 'name')}
      />
      <TextField
        label="Image"
        required
        spellCheck={false}
        value={draft.image}
        onValue={(image) => set({ image })}
        hint="An image of the engine’s, such as debian:bookworm-slim; default is the platform’s own, with git, python, node and more."
        error={problemOf(problem, 'image')}
      />
      <div className="environment-sizes">
        <TextField
          label="CPUs"
          inputMode="decimal"
          required
          pattern="\s*\d+(\.\d+)?\s*"
          title="A number, such as 0.5 or 2"
          value={draft.cpus}
          onValue={(cpus) => set({ cpus })}
          error={problemOf(problem, 'cpus')}
        />
        <TextField
          label="Memory, in MB"
          inputMode="numeric"
          required
          pattern="\s*\d+\s*"
          title="A whole number"
          value={draft.memoryMb}
          onValue={(memoryMb) => set({ memoryMb })}
          error={problemOf(problem, 'memoryMb')}
        />
        <TextField
          label="Disk, in MB"
          inputMode="numeric"
          required
          pattern="\s*\d+\s*"
          title="A whole number"
          value={draft.diskMb}
          onValue={(diskMb) => set({ diskMb })}
          error={problemOf(problem, 'diskMb')}
        />
      </div>
      <SelectField
        label="Network"
        value={draft.network}
        onValue={(network) => set({ network: network as NetworkPolicy })}
        error={problemOf(problem, 'network')}
      >
        {Object.entries(NETWORK_WORDS).map(([policy, words]) => (
          <option key={policy} value={policy}>
            {words}
          </option>
        ))}
      </SelectField>
      {draft.network === 'ALLOWLIST' && (
        <TextArea
          label="Hosts, one a line"
          rows={4}
          className="mono"
          spellCheck={false}
          placeholder="pypi.org"
          value={draft.allowedHosts}
          onValue={(allowedHosts) => set({ allowedHosts })}
          error={problemOf(problem, 'allowedHosts')}
        />
      )}
      <TextArea
        label="Set-up script (may be left out)"
        rows={5}
        className="mono"
        spellCheck={false}
        hint="What the image lacks for the work and for its checks. It is run once as root, without network, when a session first needs it."
        value={draft.setupScript}
        onValue={(setupScript) => set({ setupScript })}
        error={problemOf(problem, 'setupScript')}
      />
      <div className="environment-times">
        <TextField
          label="Stopped without work after, in seconds"
          inputMode="numeric"
          pattern="\s*\d*\s*"
          title="A whole number"
          placeholder="as the platform has it"
          hint="Files stay. Up to an hour."
          value={draft.idleSeconds}
          onValue={(idleSeconds) => set({ idleSeconds })}
          error={problemOf(problem, 'idleSeconds')}
        />
        <TextField
          label="Kept awake by running processes for, in seconds"
          inputMode="numeric"
          required
          pattern="\s*\d+\s*"
          title="A whole number"
          hint="What the agent has left running keeps the sandbox from being stopped for at most so long after the last work; 0: not at all."
          value={draft.keepAwakeSeconds}
          onValue={(keepAwakeSeconds) => set({ keepAwakeSeconds })}
          error={problemOf(problem, 'keepAwakeSeconds')}
        />
      </div>
      {elsewhere && <ErrorNote error={elsewhere} />}
    </>
  )
}
