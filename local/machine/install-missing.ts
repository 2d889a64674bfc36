import { startEngine } from './engine.ts'
import { findInstaller, installPackages } from './install-packages.ts'
import { findMissing, hasCommand, type Part } from './parts.ts'

export type InstallMissingOptions = { missing: Part[]; engineLog: string; onProgress: (line: string) => void }

/** Installs parts, and starts the engine if it is one of them. Answers what is still missing; rejects where nothing can be installed. */
export const installMissing = async ({ missing, engineLog, onProgress }: InstallMissingOptions): Promise<Part[]> => {
  const isEngine = ({ name }: Part) => name === 'Docker engine'
  // An engine that is installed but does not run needs no package.
  const packages = missing.filter((part) => !(isEngine(part) && hasCommand('dockerd'))).flatMap((part) => part.packages)
  if (packages.length > 0) {
    const installer = findInstaller()
    const names = missing.map(({ name }) => name).join(', ')
    if (!installer) throw new Error(`this is not Debian or Ubuntu, or there is no right to install: please install ${names} yourself`)
    await installPackages(installer, packages, onProgress)
  }
  if (missing.some(isEngine)) await startEngine({ logFile: engineLog, onProgress })
  return findMissing(missing)
}
