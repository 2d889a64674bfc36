import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/controls.css'
import './styles/facts.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { openingAnswered } from './api/opening.ts'
import { App, preloadAddressed } from './app.tsx'
import { applyTheme } from './components/theme.tsx'

/** Whoever waits longer for what was asked at the opening is shown that it is waited for. */
const LONGEST_BLANK_MS = 400

/** The first script runs as soon as it is there, and so does this one: the page may not be read to its end yet. */
const pageRead = new Promise<void>((resolve) => {
  if (document.readyState !== 'loading') resolve()
  else document.addEventListener('DOMContentLoaded', () => resolve(), { once: true })
})

const draw = () => {
  const root = document.getElementById('root')
  if (root === null) throw new Error('index.html has no #root')
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}

applyTheme()
const waitedFor = Promise.race([openingAnswered(), new Promise((resolve) => setTimeout(resolve, LONGEST_BLANK_MS))])
// Not awaited here: the page's code imports what this file does, and would wait for it in turn.
void Promise.all([preloadAddressed(), waitedFor, pageRead]).then(draw)
