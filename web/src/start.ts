// web/ owns the console: a client of the public API like any other, in a browser. It must never know more than the API tells, run
// what an agent wrote, or follow a link by itself.
//
// The first script is a small one: what a session's page shows is on its way while the rest of the code is.
import { askForOpening } from './api/opening.ts'

askForOpening()
if (/^\/sessions\/ses_\w+$/.test(location.pathname)) import('./pages/session/session-page.tsx').catch(() => {}) // `loadPage` says so
void import('./main.tsx')
