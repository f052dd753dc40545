/**
 * Compiles `src` and `recipes` into `.compiled`, without checking types, if anything changed since. It is for the threads and processes
 * that tests start: those run JavaScript as a user's do, and do not compile their TypeScript anew at each start. Vitest calls this
 * before the tests (`globalSetup`). The tests find the folder's name in `DAR_DEPTH_COMPILED`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newestChange, root } from './setup.mjs'

/** As deep as `dist`: compiled files look for models and recipes from where they lie. */
export const compiled = join(root, '.compiled')
/** The time of this file is that of the copy. */
const DONE = 'done'

function isFresh() {
  const done = join(compiled, DONE)
  if (!existsSync(done)) return false
  const inputs = ['src', 'recipes', 'tsconfig.json', 'tsconfig.build.json']
  return inputs.every((name) => newestChange(join(root, name)) <= statSync(done).mtimeMs)
}

function compile() {
  if (isFresh()) return
  const begin = new Date()
  // Beside its place, and then into it: threads of another test run may be about to start from the old one.
  const fresh = `${compiled}-${process.pid}`
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const project = ['-p', 'tsconfig.build.json', '--outDir', fresh, '--noCheck', '--declaration', 'false']
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...project], { cwd: root, encoding: 'utf8' })
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true })
    throw new Error(`the sources do not compile:\n${stdout}`)
  }
  writeFileSync(join(fresh, DONE), '')
  utimesSync(join(fresh, DONE), begin, begin) // what changes while tsc reads is compiled the next time
  rmSync(compiled, { recursive: true, force: true })
  renameSync(fresh, compiled)
}

/** What vitest calls; again before the tests that it repeats when it watches files. */
export default function setup(project) {
  compile()
  project?.onTestsRerun(compile)
}
