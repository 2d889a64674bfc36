import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const publicMirror = 'http://deb.debian.org/debian'

export type AptSettings = {
  mirror: string
  proxy: string | null
  /** A mirror that stands still, such as a snapshot, is soon past the date that its lists were good for. */
  checkValidUntil: boolean
}

/** Where this machine gets Debian's packages from, so that the image's come the same way: a mirror, a proxy, or the public default. */
export const readAptSettings = async (): Promise<AptSettings> => {
  const files = ['/etc/apt/sources.list']
  for (const name of await readdir('/etc/apt/sources.list.d').catch(() => [])) {
    if (/\.(list|sources)$/.test(name)) files.push(`/etc/apt/sources.list.d/${name}`)
  }
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
  return {
    mirror: findMirror(texts.join('\n\n')) ?? publicMirror,
    proxy: (await readSetting('Acquire::http::Proxy')) || null,
    checkValidUntil: (await readSetting('Acquire::Check-Valid-Until')) !== 'false',
  }
}

/** The first source that offers the suite `bookworm` itself (not its updates), in apt's one-line or deb822 form. */
export const findMirror = (sources: string): string | null => {
  for (const paragraph of sources.split(/\n\s*\n/)) {
    const suites = /^Suites:(.*)$/m.exec(paragraph)?.[1]?.trim().split(/\s+/) ?? []
    const uri = /^URIs:\s*(\S+)/m.exec(paragraph)?.[1]
    if (uri && suites.includes('bookworm')) return uri
    const line = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+bookworm\s/m.exec(paragraph)
    if (line?.[1]) return line[1]
  }
  return null
}

const readSetting = async (name: string): Promise<string> => {
  const answer = await promisify(execFile)('apt-config', ['shell', 'value', name]).catch(() => null)
  return /value='(.*)'/.exec(answer?.stdout ?? '')?.[1] ?? ''
}
