import { defineConfig } from 'prisma/config'

/** For `prisma generate`, and for anyone online who prefers `prisma migrate` to `npm run migrate`. */
export default defineConfig({ schema: '.', migrations: { path: 'migrations' } })
