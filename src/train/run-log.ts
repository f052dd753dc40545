/** The events of a run, and log.jsonl, which has one event a line. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Precision } from '../graph/index.ts'
import type { Provider } from '../runtime/protocol.ts'
import { remedyFor } from '../support/cannot-write.ts'
import { DarError, messageOf } from '../support/errors.ts'
import type { BestMetric } from './keep.ts'
import type { PartNorms } from './norms.ts'
import type { Recipe } from './recipe.ts'
import type { SetFigures } from './validate.ts'

/** Seconds that rank 0 spent waiting for other ranks, and moving values. */
export interface CommunicationTime {
  readonly waiting: number
  readonly moving: number
}

/** And how much of both the engine waited for; the rest passed while it computed. Absent in logs of older versions. */
export interface CommunicationSpent extends CommunicationTime {
  readonly exposed?: number
}

/** What happens in a run; log.jsonl has one a line. `seconds`: of training so far, over all sessions. */
export type TrainEvent =
  | {
      /** Of every session: a log that holds several is read from a `start` on, whose `step` may lie before the last one. */
      readonly event: 'start'
      /** Updates done. */
      readonly step: number
      readonly total: number
      /** Values that are trained. */
      readonly parameters: number
      /** What computes; absent in logs of older versions. */
      readonly device?: Provider
      /** What its products compute in; absent: single. */
      readonly precision?: Precision
      /** What `--set` changed of the recipe, as it was given. */
      readonly settings?: readonly string[]
      readonly notes: readonly string[]
      /** As it was checked; logs of older versions lack it. */
      readonly recipe?: Recipe
    }
  | {
      readonly event: 'step'
      /** Number of this update, from 0. */
      readonly step: number
      readonly loss: number
      /** One per coarse-to-fine step (or level of `ord2seq`); the loss is their sum and what `edges`, `teacher` and `distil` add. */
      readonly terms: readonly number[]
      readonly rate: number
      /** Of the gradient, before clipping. */
      readonly norm: number
      /** Of all processes together. */
      readonly imagesPerSecond: number
      readonly seconds: number
      /** Where several processes train: what of this update went into it. */
      readonly communication?: CommunicationSpent
    }
  | {
      readonly event: 'validation'
      /** Updates done. */
      readonly step: number
      readonly seconds: number
      readonly sets: readonly SetFigures[]
    }
  | {
      /** With every validation, and as often where no set is held out. */
      readonly event: 'norms'
      /** Updates done. */
      readonly step: number
      readonly seconds: number
      readonly parts: readonly PartNorms[]
    }
  | {
      /** A warning; the run continues. */
      readonly event: 'warning'
      /** Number of the update, from 0. */
      readonly step: number
      readonly seconds: number
      readonly message: string
    }
  | {
      /** An update was left out (`skipBad`), or in half precision its gradient was not finite (loss-scale.ts). */
      readonly event: 'skipped'
      /** Number of the update, from 0. */
      readonly step: number
      readonly seconds: number
      /** So many so far, over all sessions. */
      readonly skipped: number
      /** Why, with the frames. */
      readonly message: string
    }
  | {
      /** model-best.safetensors was written. */
      readonly event: 'best'
      /** Updates done. */
      readonly step: number
      readonly seconds: number
      readonly metric: BestMetric
      readonly figure: number
    }
  | { readonly event: 'checkpoint'; readonly step: number; readonly seconds: number }
  | ({ readonly event: 'end' } & TrainResult)
  | { readonly event: 'failed'; readonly step: number; readonly seconds: number; readonly message: string }

/** The progress of a run. */
export interface TrainResult {
  /** Updates done, of `total`. */
  readonly step: number
  readonly total: number
  /** Seconds of training, over all sessions. */
  readonly seconds: number
  /** `patience`: as many validations as the recipe waits for were no better than the best. */
  readonly reason: 'done' | 'patience' | 'time' | 'interrupted'
  /** Of this session, where several processes train. */
  readonly communication?: CommunicationSpent
  /** Updates that were left out, when there were any. */
  readonly skipped?: number
}

/** The log cannot be written: the run ends, its checkpoint first. */
export class LogError extends DarError {}

/** Adds an event to the log of the run in `folder`, on a line of its own whatever an earlier kill has left. Throws a LogError. */
export function appendEvent(folder: string, event: TrainEvent): void {
  const path = join(folder, 'log.jsonl')
  try {
    const file = openSync(path, 'a+')
    try {
      const bytes = Buffer.from(`${endsTorn(file) ? '\n' : ''}${lineOf(event)}`)
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw new LogError(`cannot write the log ${path}: ${messageOf(error)}; ${remedyFor(error)}`)
  }
}

/** Whether the last line lacks its end. */
function endsTorn(file: number): boolean {
  const { size } = fstatSync(file)
  if (size === 0) return false
  const last = new Uint8Array(1)
  return readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a
}

/** Measured values to six significant digits, because the log is read by people and diffed; counts stay exact. */
function lineOf(event: TrainEvent): string {
  const short = (value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
  return `${JSON.stringify(event, (_, value) => short(value))}\n`
}
