import './sign-in.css'
import { useEffect, useState } from 'react'
import type { Problem } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { TextField } from '../../components/field.tsx'
import { ThemeChoice } from '../../components/theme.tsx'

export const SignInPage = ({ onKey, note }: { onKey: (key: string) => Promise<Problem | null>; note: string | null }) => {
  const [key, setKey] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  useEffect(() => {
    document.title = 'Sign in · Longhaul'
  }, [])
  const submit = async () => {
    setBusy(true)
    setProblem(await onKey(key.trim()))
    setBusy(false)
  }
  return (
    <main className="sign-in">
      <form
        className="card sign-in-card"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <div className="row">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <h1>Longhaul</h1>
        </div>
        <p className="quiet">Watch and steer the sessions of your agents.</p>
        {note && !problem && (
          <p className="note" data-tone="warn" role="alert">
            {note}
          </p>
        )}
        <TextField
          label="API key"
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          autoFocus
          value={key}
          onValue={setKey}
          placeholder="lh_…"
          hint="Kept in this tab only, until you sign out or close it. An admin of your tenant makes keys; npm start prints the first."
        />
        {problem && <ErrorNote error={problem} />}
        <Button type="submit" kind="primary" busy={busy}>
          Sign in
        </Button>
        <ThemeChoice />
      </form>
    </main>
  )
}
