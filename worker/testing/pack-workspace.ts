import { Readable } from 'node:stream'
import { pack } from 'tar-stream'

/** A tar of /workspace as an engine gives it. A file is its text, a link `{link}`, a folder null; folders on the way are made. */
export const packWorkspace = (files: Record<string, string | { link: string } | null>): Readable => {
  const out = pack()
  const folders = new Set<string>()
  const addFolder = (name: string): void => {
    if (folders.has(name)) return
    folders.add(name)
    out.entry({ name: `${name}/`, type: 'directory', mode: 0o755 })
  }
  addFolder('workspace')
  for (const [path, content] of Object.entries(files)) {
    const names = path.split('/')
    for (let depth = 1; depth < names.length; depth++) addFolder(`workspace/${names.slice(0, depth).join('/')}`)
    if (content === null) addFolder(`workspace/${path}`)
    else if (typeof content === 'string') out.entry({ name: `workspace/${path}`, mode: 0o644 }, content)
    else out.entry({ name: `workspace/${path}`, type: 'symlink', linkname: content.link, mode: 0o777 })
  }
  out.finalize()
  return Readable.from(out)
}
