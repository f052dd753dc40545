/**
 * `npm run bench -- …`: runs bench/main.ts. The threads and processes that benchmarks start run compiled JavaScript, as a user's do: a thread
 * that compiles its own TypeScript takes memory and time that no user sees.
 */
import { join } from 'node:path'
import compile, { compiled } from './compile.mjs'
import { root, runCommand } from './setup.mjs'

compile()
const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs')
process.exitCode = runCommand(process.execPath, [tsx, join('bench', 'main.ts'), ...process.argv.slice(2)], {
  env: { ...process.env, DAR_DEPTH_COMPILED: compiled },
})
