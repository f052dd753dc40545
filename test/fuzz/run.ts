/**
 * Fuzzing: `npm run fuzz -- TARGET --seconds N [--seed S]`; TARGET `all` runs each in turn. The parser works in a child process with a
 * bounded heap, whose whole memory is looked at several times a second: what native libraries and typed arrays take lies outside the
 * heap. An input that takes longer than `BUDGET_SECONDS`, more memory, or ends the process is kept as a file and named.
 */
import { fork } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of processor time, for twenty inputs: other work on the machine doesn't count. */
const BUDGET_SECONDS = 20
/** By the clock, for one that waits instead of working, and on systems without /proc. The child compiles its TypeScript in it first. */
const PATIENCE_SECONDS = 120
const HEAP_MEGABYTES = 1024
/** Of the whole process, the code of its libraries included. */
const BUDGET_MEGABYTES = 2048
const LOOK_MILLISECONDS = 200

export interface Outcome {
  /** By target. */
  readonly inputs: Readonly<Record<string, number>>
  /** What went wrong, and the file with the input; null when nothing did. */
  readonly failure: { readonly what: string; readonly file: string } | null
}

export function fuzz(
  targets: readonly string[],
  {
    seconds,
    seed,
    most = Number.POSITIVE_INFINITY,
    megabytes = BUDGET_MEGABYTES,
  }: { readonly seconds: number; readonly seed: number; readonly most?: number; readonly megabytes?: number },
): Promise<Outcome> {
  const file = join(mkdtempSync(join(tmpdir(), 'dar-fuzz-input-')), 'input')
  const child = fork(
    fileURLToPath(new URL('./child.ts', import.meta.url)),
    [targets.join(), `${seconds}`, `${seed}`, file, `${most}`],
    {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${HEAP_MEGABYTES}`],
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
  const end = (why: string) => {
    what ??= `${last}, after input ${inputs[last] ?? 0}: one took more than ${why}`
    child.kill('SIGKILL')
  }
  let workedBefore = 0
  const watch = () => {
    clearTimeout(timer)
    workedBefore = processorSeconds(child.pid)
    timer = setTimeout(() => end(`${PATIENCE_SECONDS} s`), 1000 * PATIENCE_SECONDS)
  }
  const looking = setInterval(() => {
    if (peakMegabytes(child.pid) > megabytes) end(`${megabytes} MB of memory`)
    if (processorSeconds(child.pid) - workedBefore > BUDGET_SECONDS) end(`${BUDGET_SECONDS} s of processor time`)
  }, LOOK_MILLISECONDS)
  watch()
  workedBefore = Number.POSITIVE_INFINITY // until the first message: it compiles its TypeScript
  child.on('message', ({ name, count, what: found }: { name: string; count: number; what?: string }) => {
    watch()
    last = name
    inputs[name] = count
    what ??= found ?? null
  })
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      clearInterval(looking)
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

/** The most that a process ever had in memory; 0 where the system has no /proc, or the process is gone. */
function peakMegabytes(pid: number | undefined): number {
  try {
    const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes ?? 0) / 1024
  } catch {
    return 0
  }
}

/** User and system time of all threads; 0 where the system has no /proc, or the process is gone. Linux counts in hundredths. */
function processorSeconds(pid: number | undefined): number {
  try {
    // The name in parentheses may hold blanks; the times are fields 14 and 15 of the line, 12 and 13 after it.
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return 0
  }
}

/** Several processes side by side, each with its share of the targets. */
export async function fuzzSideBySide(
  targets: readonly string[],
  {
    jobs,
    ...options
  }: { readonly seconds: number; readonly seed: number; readonly most?: number; readonly jobs: number },
): Promise<readonly Outcome[]> {
  const shares = Array.from({ length: Math.min(jobs, targets.length) }, (_, k) =>
    targets.filter((_, i) => i % jobs === k),
  )
  return Promise.all(shares.map((share) => fuzz(share, options)))
}
