#!/usr/bin/env node
/** The `dar` command: the program with its verbs, run once on the process's arguments. */
import { readFileSync } from 'node:fs'
import { cannotWrite } from '../support/cannot-write.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'
import { verbsFor } from './verbs.ts'

/** The version in package.json, which lies above `src/cli` or `dist/src/cli`. */
function packageVersion(): string {
  const path = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json'
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version
}

// `dar … | head` closes the pipe early, which is not an error. Results that are written to a full disk are lost, which is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`dar: ${cannotWrite('standard output', error).message}\n`)
  process.exit(EXIT_CODES.output)
})
// Messages that nobody reads any more cost no photo: the work goes on, and the exit code says how it ended.
process.stderr.on('error', () => {})

const code = await run(async () => {
  const verbs = await verbsFor(process.argv.slice(2))
  await createProgram(verbs, packageVersion()).parseAsync()
})
if (code !== 0) process.exitCode = code
