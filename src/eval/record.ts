/**
 * An evaluation as files: JSON with everything (`metrics.d1`, …, `protocol`, `images`, one entry per image), which
 * `compare` reads again, and CSV with a row per image. NaN and infinity do not exist in JSON and become null.
 */
import { z } from 'zod'
import { DarError, messageOf } from '../support/errors.ts'
import { readTextFile } from '../support/read-file.ts'
import { FIGURES } from './judge.ts'
import { PIXEL_METRICS } from './metrics.ts'
import { describeGiven, describeProtocol, type Protocol } from './protocol.ts'
import type { Evaluation } from './tally.ts'

/** What was evaluated: the part of a record that the evaluator does not know. */
export interface Subject {
  readonly data: {
    readonly path: string
    readonly name: string
    /** The side of a hold-out, in words; null for all frames. */
    readonly split: string | null
    /** How many of the frames the model was trained on, as far as is known. */
    readonly trainedOn?: number
  }
  /** Exactly one of the two. */
  readonly model: { readonly name: string; readonly sha256: string } | null
  readonly predictions: { readonly path: string; readonly scale: number | null } | null
}

const FORMAT = 'dar-eval/1'

/** The line beside every figure. */
export function protocolText(protocol: Protocol, { predictions }: Subject): string {
  return predictions ? describeGiven(protocol) : describeProtocol(protocol)
}

/** An evaluation as JSON, with everything that its figures depend on. */
export function encodeRecord(evaluation: Evaluation, subject: Subject): string {
  const { protocol, images, pixels, empty, metrics, medianScale, steps, calibration, curves, distance, bad, frames } =
    evaluation
  const record = {
    format: FORMAT,
    ...subject,
    protocol,
    protocolText: protocolText(protocol, subject),
    images,
    pixels,
    empty,
    metrics,
    medianScale,
    steps,
    calibration,
    curves,
    distance,
    bad,
    frames,
  }
  return `${JSON.stringify(record, null, 1)}\n`
}

/** One line a frame, all figures. */
export function encodeCsv({ frames }: Evaluation): string {
  const steps = Math.max(...frames.map((frame) => frame.steps.length))
  const sigma = frames.find(({ calibration }) => calibration)?.calibration
  const sigmaNames = sigma ? (Object.keys(sigma) as (keyof typeof sigma)[]) : []
  const stepNames = Array.from({ length: steps }, (_, k) => PIXEL_METRICS.map((name) => `step${k + 1}_${name}`)).flat()
  const header = [
    'name',
    'pixels',
    ...FIGURES,
    'median_scale',
    ...sigmaNames,
    'nan',
    'infinite',
    'negative',
    ...stepNames,
  ]
  const rows = frames.map(({ name, pixels, metrics, medianScale, calibration, bad, steps }) => [
    quoted(name),
    pixels,
    ...FIGURES.map((figure) => metrics[figure]),
    medianScale,
    ...sigmaNames.map((figure) => calibration?.[figure] ?? ''),
    bad.nan,
    bad.infinite,
    bad.negative,
    ...steps.flatMap((step) => PIXEL_METRICS.map((figure) => step[figure])),
  ])
  return `${[header, ...rows].map((row) => row.join(',')).join('\n')}\n`
}

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const figures = z.object(Object.fromEntries(FIGURES.map((name) => [name, z.number().nullable()])))
const record = z.object({
  format: z.literal(FORMAT),
  data: z.object({ name: z.string() }),
  model: z.object({ name: z.string(), sha256: z.string() }).nullable(),
  predictions: z.object({ path: z.string() }).nullable(),
  protocol: z.looseObject({ averaging: z.enum(['image', 'pixel']).optional() }),
  protocolText: z.string(),
  images: z.number(),
  metrics: figures,
  frames: z.array(z.object({ name: z.string(), metrics: figures })),
})
/** What `dar eval --json` writes. */
export type EvalRecord = z.infer<typeof record>

/** Reads what `dar eval --json` wrote. Throws a DarError when it is something else. */
export async function readRecord(path: string): Promise<EvalRecord> {
  try {
    return record.parse(JSON.parse(await readTextFile(path)))
  } catch (error) {
    const why =
      error instanceof z.ZodError ? `${error.issues[0].path.join('.')}: ${error.issues[0].message}` : messageOf(error)
    throw new DarError(`${path} is not a record of dar eval (${why}); write one with dar eval --json`)
  }
}
