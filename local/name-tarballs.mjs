// package-lock.json names no registry, so that an installation may use any. But then npm asks the registry for every package's whole
// history to find the one version that the lockfile wants, which takes longer than the packages themselves (docs/decisions.md).
// Registries keep that version at <registry>/<name>/-/<name>-<version>.tgz: while `npm ci` runs, a shrinkwrap, which it prefers to the
// lockfile, says so. The lockfile's hashes hold for what is fetched there as for anything else.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const fileName = 'npm-shrinkwrap.json'

/** `registry`: the one that npm is set to use. */
export function nameTarballs(root, registry) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (!entry.integrity || entry.resolved) continue
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    entry.resolved = `${registry.replace(/\/?$/, '/')}${name}/-/${name.split('/').pop()}-${entry.version}.tgz`
  }
  writeFileSync(join(root, fileName), JSON.stringify(lock))
}

/** Also what a run that was killed left: `npm install` would keep that one instead of the lockfile. */
export function forgetTarballs(root) {
  rmSync(join(root, fileName), { force: true })
}
