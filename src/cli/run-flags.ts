/** Flags that the verbs that train share, beside those of what shows a run (reported-run.ts). */
import type { Command } from 'commander'
import { type DeviceFlags, deviceOption, type PrecisionFlags, precisionOption } from './device-flag.ts'
import { above0, atLeast0, wholeAbove0 } from './flag-values.ts'
import { WATCHED_PICTURES, type WatchFlags } from './reported-run.ts'

/** As commander gives them. */
export interface RunFlags extends DeviceFlags, PrecisionFlags, WatchFlags {
  readonly set: readonly string[]
  readonly out?: string
  readonly resume?: boolean
  readonly force?: boolean
  readonly skipBad?: boolean
  readonly minutes?: string
  readonly threads?: string
  readonly workers?: string
  readonly prefetch?: string
  readonly cache?: string
}

/** How the work is shared out, and what shows it. */
export function addRunOptions(command: Command): Command {
  return command
    .option('--skip-bad', 'leave out batches that cannot be read or give no finite loss, count them, and go on')
    .option('--threads <n>', 'threads of the engine (default: all cores)')
    .option('--workers <n>', 'threads that make batches', '1')
    .option('--prefetch <n>', 'batches made ahead', '4')
    .option('--cache <MB>', 'memory for decoded frames, for each worker, shared by the shapes of a stage', '1024')
    .addOption(deviceOption())
    .addOption(precisionOption())
    .option('--watch', 'serve a page with curves and pictures on this machine')
    .option('--port <n>', 'with --watch: where (default: 6007, or a free port if that is taken)')
    .option(
      '--pictures <n>',
      `validation images whose maps are drawn after each validation (default: ${WATCHED_PICTURES} with --watch, else 0)`,
    )
    .option('--tensorboard', 'write event files for TensorBoard into the output folder')
}

/** What they say. Throws a DarError for a number that makes no sense. */
export function runOptionsOf({ minutes, threads, workers, prefetch, cache }: RunFlags) {
  return {
    minutes: above0('--minutes', minutes),
    threads: wholeAbove0('--threads', threads),
    loading: {
      workers: wholeAbove0('--workers', workers),
      prefetch: wholeAbove0('--prefetch', prefetch),
      cacheMegabytes: atLeast0('--cache', cache),
    },
  }
}
