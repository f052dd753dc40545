#!/usr/bin/env node
/** The `dar` command: the program with its verbs, run once on the process's arguments. */
import { readFileSync } from 'node:fs'
import { createProgram } from './program.ts'
import { run } from './run.ts'
import { verbsFor } from './verbs.ts'

/** The version in package.json, which lies above `src/cli` or `dist/src/cli`. */
function packageVersion(): string {
  const path = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json'
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version
}

// `dar … | head` closes the pipe early, which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})

const code = await run(async () => {
  const verbs = await verbsFor(process.argv.slice(2))
  await createProgram(verbs, packageVersion()).parseAsync()
})
if (code !== 0) process.exitCode = code
