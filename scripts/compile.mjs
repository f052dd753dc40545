/**
 * Compiles `src` and `recipes` into `.compiled`, without checking types, if anything changed since. It is for the threads and processes
 * that tests start: those run JavaScript as a user's do, and do not compile their TypeScript anew at each start. Vitest calls this
 * before the tests (`globalSetup`). The tests find the folder's name in `DAR_DEPTH_COMPILED`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newestChange, root } from './setup.mjs'

/** As deep as `dist`: compiled files look for models and recipes from where they lie. */
const compiled = join(root, '.compiled')
/** Written last, so it is there only when all else is. */
const done = join(compiled, 'done')

const isFresh = () =>
  existsSync(done) &&
  ['src', 'recipes', 'tsconfig.json', 'tsconfig.build.json'].every(
    (name) => newestChange(join(root, name)) <= statSync(done).mtimeMs,
  )

function compile() {
  if (isFresh()) return
  rmSync(compiled, { recursive: true, force: true })
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const project = ['-p', 'tsconfig.build.json', '--outDir', compiled, '--noCheck', '--declaration', 'false']
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...project], { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the sources do not compile:\n${stdout}`)
  writeFileSync(done, '')
}

/** What vitest calls; again before the tests that it repeats when it watches files. */
export default function setup(project) {
  compile()
  project?.onTestsRerun(compile)
}
