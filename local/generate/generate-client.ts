import { createRequire } from 'node:module'
import prisma from '@prisma/internals'

// Not imported: its form as a module imports files without their endings.
const require = createRequire(import.meta.url)
const { PrismaClientTsGenerator } = require('@prisma/client-generator-ts') as typeof import('@prisma/client-generator-ts')

/**
 * Does what `prisma generate` does, without Prisma's command line: that brings a studio and another Postgres as WebAssembly, a fifth of all
 * that `npm ci` unpacked. For the same reason the workspace prisma/no-config stands in place of @prisma/config, which would read a
 * file of settings that we don't have, with a library of three thousand files. All are of the client's version.
 */
export const generateClient = async (folder: string): Promise<void> => {
  const schemaContext = await prisma.loadSchemaContext({ schemaPath: { configProvidedPath: folder }, cwd: folder, printLoadMessage: false })
  const client = await prisma.getGenerator({
    schemaContext,
    registry: { 'prisma-client': { type: 'in-process', generator: new PrismaClientTsGenerator() } },
    skipDownload: true,
    cliCommand: 'generate',
  })
  await client.generate()
  client.stop()
}
