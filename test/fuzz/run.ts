/**
 * Fuzzing: `npm run fuzz -- TARGET --seconds N [--seed S]`; TARGET `all` runs each in turn. The parser works in a child process with a
 * bounded heap. An input that takes longer than `BUDGET_SECONDS`, more memory, or ends the process is kept as a file and named.
 */
import { fork } from 'node:child_process'
import { copyFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** For twenty inputs. On a busy machine a parser waits, so this is far above what any takes. */
const BUDGET_SECONDS = 20
const BUDGET_MEGABYTES = 1024

export interface Outcome {
  /** By target. */
  readonly inputs: Readonly<Record<string, number>>
  /** What went wrong, and the file with the input; null when nothing did. */
  readonly failure: { readonly what: string; readonly file: string } | null
}

export function fuzz(
  targets: readonly string[],
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
): Promise<Outcome> {
  const file = join(mkdtempSync(join(tmpdir(), 'dar-fuzz-input-')), 'input')
  const child = fork(
    fileURLToPath(new URL('./child.ts', import.meta.url)),
    [targets.join(), `${seconds}`, `${seed}`, file],
    {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${BUDGET_MEGABYTES}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    },
  )
  const inputs: Record<string, number> = {}
  let last = targets[0]
  let what: string | null = null
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said = (said + String(chunk)).slice(-2000)
  })
  let timer: NodeJS.Timeout | undefined
  const watch = (limit: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      what = `after ${last}, input ${inputs[last] ?? 0}: one took more than ${limit} s`
      child.kill('SIGKILL')
    }, 1000 * limit)
  }
  watch(6 * BUDGET_SECONDS) // it compiles its TypeScript first
  child.on('message', ({ name, count, what: found }: { name: string; count: number; what?: string }) => {
    watch(BUDGET_SECONDS)
    last = name
    inputs[name] = count
    what = found ?? what
  })
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (code !== 0) what ??= `the process ended with ${signal ?? code}: ${said}`
      if (what === null) return resolve({ inputs, failure: null })
      const kept = `${file}-${last}-${seed}`
      try {
        copyFileSync(file, kept)
      } catch {
        // It ended before the first input.
      }
      resolve({ inputs, failure: { what, file: kept } })
    })
  })
}
