// `npm start`: everything on this machine with one command. What it does stands in launcher/run.ts; here is only what must come before
// its imports: compiled modules are kept between starts, for the processes it starts too, which halves what a start costs.
import { enableCompileCache } from 'node:module'
import { dirname, join } from 'node:path'

process.env.NODE_COMPILE_CACHE ??= join(dirname(import.meta.dirname), 'node_modules', '.cache', 'longhaul')
enableCompileCache(process.env.NODE_COMPILE_CACHE)
await import('./launcher/run.ts')
