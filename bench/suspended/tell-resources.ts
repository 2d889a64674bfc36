/** Loaded into a worker's process before its own main (`--import`): on SIGUSR2 it collects its garbage and says what it holds. */
import { renameSync, writeFileSync } from 'node:fs'

process.on('SIGUSR2', () => {
  const place = process.env['RESOURCES_FILE'] ?? ''
  for (let pass = 0; pass < 3; pass++) globalThis.gc?.()
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  writeFileSync(`${place}.part`, JSON.stringify({ timers, residentBytes: process.memoryUsage.rss() }))
  renameSync(`${place}.part`, place)
})
