/**
 * Prepares a fresh clone: installs the dependencies and builds. `npm start` and `npm test` call it, so each is one
 * command. When nothing is missing or out of date it does nothing. Plain JavaScript with Node's own modules, because it
 * runs before anything is installed. Left out: npm's pre- and post-scripts, which .npmrc switches off.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const NEEDED_NODE = [20, 19]

/** Installs and builds whatever is missing or out of date; ends the process with a message when that fails. */
export function setUp() {
  checkNode()
  if (!dependenciesAreInstalled()) {
    step('installing the dependencies (npm ci)')
    // The compiler is a development dependency, and NODE_ENV=production would leave it out.
    npm('ci', '--include=dev')
  }
  if (!buildIsFresh()) {
    step('building (npm run build)')
    npm('run', '--silent', 'build')
  }
}

/** Runs a command with this terminal as its own; returns its exit code, 1 when a signal ended it. */
export function runCommand(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: root, ...options })
  if (error) fail(`cannot start ${command}: ${error.message}`)
  return status ?? 1
}

export function fail(message) {
  console.error(`dar-depth: ${message}`)
  process.exit(1)
}

// Standard error, so that `npm start -- photo.jpg --json` leaves standard output to the result.
function step(what) {
  console.error(`dar-depth: ${what}`)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor >= NEEDED_NODE[1])) return
  fail(`Node ${NEEDED_NODE.join('.')} or newer is needed, this is ${process.versions.node}: see https://nodejs.org`)
}

/** npm leaves a record of what it installed; it must be what package-lock.json asks for. */
function dependenciesAreInstalled() {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  const { '': _, ...wanted } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const isRight = (path) => installed[path] && installed[path].version === wanted[path].version
  // A package for another platform is optional, and absent.
  return Object.entries(wanted).every(([path, { optional, devOptional }]) => {
    return isRight(path) || (!installed[path] && (optional || devOptional))
  })
}

/** Compares times: nothing that the build reads may be newer than what it wrote. */
function buildIsFresh() {
  const built = join(root, 'dist', 'src', 'cli', 'main.js')
  if (!existsSync(built)) return false
  const inputs = ['src', 'recipes', 'web', 'tsconfig.json', 'tsconfig.build.json']
  return Math.max(...inputs.map((name) => newestChange(join(root, name)))) <= statSync(built).mtimeMs
}

/** Time of the last change of a file, or of anything in a folder. The folder's own time also shows removed files. */
export function newestChange(path) {
  const entry = statSync(path, { throwIfNoEntry: false })
  if (!entry) return 0
  if (!entry.isDirectory()) return entry.mtimeMs
  const names = readdirSync(path).filter((name) => name !== 'node_modules')
  return Math.max(entry.mtimeMs, ...names.map((name) => newestChange(join(path, name))))
}

function npm(...args) {
  const started = process.env.npm_execpath ?? ''
  // Under `npm start` this names npm's own script, which needs no shell; else find npm as a shell would (npm.cmd on Windows).
  const code = basename(started).startsWith('npm-cli')
    ? runCommand(process.execPath, [started, ...args])
    : runCommand('npm', args, { shell: process.platform === 'win32' })
  if (code !== 0) fail(`\`npm ${args.join(' ')}\` failed (exit code ${code}); its messages are above`)
}
