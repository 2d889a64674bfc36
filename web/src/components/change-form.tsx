import { type ReactNode, useState } from 'react'
import type { Problem } from '../api/problem.ts'
import { Button } from './button.tsx'

type Versioned<V> = { name: string; latest: V }

type Props<V, D, C> = {
  thing: Versioned<V>
  /** What the form begins with, where that is not the newest version. */
  start: D | null
  toDraft: (name: string, version: V) => D
  /** null: nothing differs. */
  toChanges: (draft: D, before: D) => C | null
  fields: (wiring: { draft: D; onDraft: (draft: D) => void; problem: Problem | null }) => ReactNode
  /** Makes a version of the changes, or answers null. */
  save: (changes: C, expectedVersion: number) => Promise<Versioned<V> | null>
  busy: boolean
  problem: Problem | null
  forget: () => void
  onChanged: () => void
}

/** The newest version as a form; saving makes the next, unless somebody else did so meanwhile. */
export const ChangeForm = <V extends { version: number }, D, C>({ thing, toDraft, toChanges, onChanged, ...props }: Props<V, D, C>) => {
  const [base, setBase] = useState(thing)
  const before = toDraft(base.name, base.latest)
  const [draft, setDraft] = useState(props.start ?? before)
  const [saved, setSaved] = useState<number | null>(null)
  const changes = toChanges(draft, before)
  const startOver = (from: Versioned<V>) => {
    setBase(from)
    setDraft(toDraft(from.name, from.latest))
    props.forget()
  }
  const submit = async () => {
    if (changes === null) return
    const made = await props.save(changes, base.latest.version)
    if (made) {
      startOver(made)
      setSaved(made.latest.version)
    }
    onChanged()
  }
  return (
    <form
      className="definition-form"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      {thing.latest.version > base.latest.version && (
        <p className="note row" data-tone="warn">
          <span>
            There is a version {thing.latest.version} by now. What you see here began as version {base.latest.version}.
          </span>
          <Button size="small" onClick={() => startOver(thing)}>
            Start over from version {thing.latest.version}
          </Button>
        </p>
      )}
      {props.fields({
        draft,
        problem: props.problem,
        onDraft: (next) => {
          setDraft(next)
          setSaved(null)
        },
      })}
      <div className="row">
        <Button type="submit" kind="primary" busy={props.busy} disabled={changes === null}>
          Save as version {base.latest.version + 1}
        </Button>
        {changes !== null && <Button onClick={() => startOver(base)}>Undo the changes</Button>}
        <span role="status" className="good small">
          {saved !== null && `Version ${saved} is saved. Sessions that run keep theirs.`}
        </span>
      </div>
    </form>
  )
}
