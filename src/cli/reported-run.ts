/** What the verbs that train have in common: what shows the run, and a first signal that ends it with a checkpoint. */
import { constants } from 'node:os'
import { DarError } from '../support/errors.ts'
import type { TrainEvent, TrainOptions, TrainResult } from '../train/index.ts'
import { portNumber, wholeAtLeast0 } from './flag-values.ts'
import { createReport } from './train-report.ts'
import { openWatchers } from './train-watchers.ts'
import { untilSignal } from './until-signal.ts'

/** A few images say most of what many would. */
export const WATCHED_PICTURES = 4

/** As commander gives them. */
export interface WatchFlags {
  readonly json?: boolean
  readonly watch?: boolean
  readonly port?: string
  readonly pictures?: string
  readonly tensorboard?: boolean
}

/** What shows a run. */
export interface Showing {
  readonly json: boolean
  readonly page: { readonly port?: number } | null
  /** Validation images whose maps are drawn. */
  readonly pictures: number
  readonly tensorboard: boolean
}

/** Throws a DarError for a flag that makes no sense. */
export function showingOf({ json = false, watch, port: text, pictures, tensorboard = false }: WatchFlags): Showing {
  const port = portNumber('--port', text)
  if (port !== undefined && !watch) throw new DarError(`--port ${port}: only with --watch, which serves a page`)
  const drawn = wholeAtLeast0('--pictures', pictures) ?? (watch ? WATCHED_PICTURES : 0)
  return { json, page: watch ? { port } : null, pictures: drawn, tensorboard }
}

/** Runs `work`, which trains into `out`. `tells`: whether this process talks; of several, the first does. A run that a signal has stopped sets the exit code to 128 + the signal's number. */
export async function reportedRun<Done extends { readonly run: TrainResult }>(
  out: string,
  { json, page, pictures, tensorboard }: Showing,
  { tells = true }: { readonly tells?: boolean },
  work: (given: Pick<TrainOptions, 'signal' | 'onEvent' | 'pictures'>) => Promise<Done>,
): Promise<Done> {
  const report = json || !tells ? null : createReport(out)
  const print = report?.onEvent ?? ((event: TrainEvent) => console.log(JSON.stringify(event)))
  const watchers = await openWatchers(out, { page, tensorboard })
  const onEvent = (event: TrainEvent) => {
    print(event)
    watchers.onEvent(event)
  }
  const signals = untilSignal({ tells })
  try {
    const done = await work({ signal: signals.signal, onEvent, pictures })
    const caught = signals.caught()
    if (done.run.reason === 'interrupted' && caught) process.exitCode = 128 + constants.signals[caught]
    return done
  } finally {
    report?.close()
    signals.ignore()
    await watchers.close()
  }
}
