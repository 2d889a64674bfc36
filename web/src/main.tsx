import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/controls.css'
import './styles/facts.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App, preloadAddressed } from './app.tsx'
import { applyTheme } from './components/theme.tsx'

applyTheme()
const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
// Not awaited here: the page's code imports what this file does, and would wait for it in turn.
void preloadAddressed().then(() =>
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  ),
)
