/**
 * Inspects a whole data set: every frame is read once and measured. Frames that cannot be read are named and counted,
 * and the rest go on. The figures are data, for printing and for `--json`. The suspicions are in suspicions.ts.
 */
import type { Intrinsics, RgbImage } from '../../image/types.ts'
import { DarError } from '../../support/errors.ts'
import type { OpenedDataset } from '../readers/index.ts'
import type { Frame } from '../types.ts'
import { DepthHistogram, type HistogramBar, type MapFigures, mapFigures, measurements } from './depth-statistics.ts'
import { drawSheet, missingThumbnail, type SheetScale, sheetScale, type Thumbnail, thumbnail } from './sheet.ts'
import { percent, suspicions } from './suspicions.ts'

/** Metres. */
const HISTOGRAM_EDGES = [0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 40, 80, 200] as const

/** A frame that could not be read, and why. */
export interface Broken {
  readonly name: string
  readonly error: string
}

/** The result of an inspection. */
export interface Inspection {
  readonly name: string
  readonly layout: string
  /** Number of frames in the data set, and how many of them were inspected. */
  readonly frames: number
  readonly inspected: number
  /** All of them. */
  readonly broken: readonly Broken[]
  /** Problems found when opening the set: incomplete pairs, truncated shards. */
  readonly notes: readonly string[]
  readonly withoutDepth: number
  /** Names of frames whose depth has no measurement at all. */
  readonly empty: readonly string[]
  /** `640x480` → how many frames. */
  readonly imageSizes: Readonly<Record<string, number>>
  readonly depthSizes: Readonly<Record<string, number>>
  /** Names of frames whose depth has another size than the photo. */
  readonly otherSize: readonly string[]
  /** Those of them whose depth has another shape than the photo, too. */
  readonly otherShape: readonly string[]
  /** How many frames have a known camera, and the first of them, in pixels. */
  readonly cameras: { readonly known: number; readonly first: Intrinsics | null }
  /** Metres; null without any measurement. Quantiles are right to 1.2 %; `median` is the median of the frames' medians. */
  readonly metres: {
    readonly min: number
    readonly p1: number
    readonly median: number
    readonly p99: number
    readonly max: number
  } | null
  /** Share of pixels with a measurement, over frames with depth. */
  readonly valid: { readonly mean: number; readonly min: number; readonly max: number } | null
  readonly histogram: readonly HistogramBar[]
  readonly suspicions: readonly string[]
}

/** Options of an inspection. */
export interface InspectOptions {
  /** At most so many frames, evenly spread; default: all. */
  readonly limit?: number
  /** How many frames the contact sheet shows, evenly spread; 0: no sheet. */
  readonly sheetFrames?: number
  /** Range of the sheet's colours; default: by the distances found. */
  readonly scale?: SheetScale
  /** Called after every frame. */
  readonly onProgress?: (done: number, total: number, frame: string) => void
}

/** The figures, and the sheet when one is asked for. Only bugs throw; a DarError of a frame is counted. */
export async function inspectDataset(
  dataset: OpenedDataset,
  { limit = dataset.length, sheetFrames = 0, scale, onProgress }: InspectOptions = {},
): Promise<{ readonly inspection: Inspection; readonly sheet: RgbImage | null }> {
  const indices = spread(dataset.length, limit)
  const shown = new Set(spread(indices.length, sheetFrames).map((i) => indices[i]))
  const tally = newTally()
  const thumbnails: Thumbnail[] = []
  let done = 0
  for await (const { index, frame, error } of readAhead(dataset, indices)) {
    const name = dataset.names[index]
    if (frame === null) {
      tally.broken.push({ name, error })
      if (shown.has(index)) thumbnails.push(missingThumbnail(name))
    } else {
      const figures = measure(tally, name, frame)
      if (shown.has(index)) thumbnails.push(thumbnail({ ...frame, name }, captionOf(figures)))
    }
    onProgress?.(++done, indices.length, name)
  }
  const inspection = conclude(dataset, indices.length, tally)
  if (thumbnails.length === 0) return { inspection, sheet: null }
  const title = `${dataset.name}: ${indices.length} frames`
  return { inspection, sheet: drawSheet(thumbnails, title, scale ?? sheetScale(inspection.metres?.p99 ?? 0)) }
}

/** `count` indices below `length`, evenly spread, ascending; all of them when there are no more. */
export function spread(length: number, count: number): number[] {
  if (count >= length) return Array.from({ length }, (_, i) => i)
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * length) / count))
}

/** Frames decoded ahead: the decoder has threads of its own. */
const AHEAD = 3

type Outcome =
  | { readonly index: number; readonly frame: Frame; readonly error: '' }
  | { readonly index: number; readonly frame: null; readonly error: string }

async function* readAhead(dataset: OpenedDataset, indices: readonly number[]): AsyncGenerator<Outcome> {
  const read = async (index: number): Promise<Outcome> => {
    try {
      return { index, frame: await dataset.get(index), error: '' }
    } catch (error) {
      if (!(error instanceof DarError)) throw error
      return { index, frame: null, error: error.message }
    }
  }
  const pending: Promise<Outcome>[] = []
  for (const index of indices) {
    const next = read(index)
    next.catch(() => {}) // the error is thrown where the frame is awaited
    pending.push(next)
    const first = pending.length > AHEAD ? pending.shift() : undefined
    if (first) yield await first
  }
  for (const rest of pending) yield await rest
}

interface Tally {
  readonly broken: Broken[]
  readonly empty: string[]
  readonly otherSize: string[]
  readonly otherShape: string[]
  readonly images: Map<string, number>
  readonly depths: Map<string, number>
  readonly figures: (MapFigures & { readonly name: string })[]
  readonly histogram: DepthHistogram
  readonly bare: string[]
  cameras: number
  firstCamera: Intrinsics | null
}

function newTally(): Tally {
  return {
    broken: [],
    empty: [],
    otherSize: [],
    otherShape: [],
    images: new Map(),
    depths: new Map(),
    figures: [],
    histogram: new DepthHistogram(),
    bare: [],
    cameras: 0,
    firstCamera: null,
  }
}

function measure(tally: Tally, name: string, { image, depth, intrinsics }: Frame): MapFigures | null {
  count(tally.images, `${image.width}x${image.height}`)
  if (intrinsics) {
    tally.cameras++
    tally.firstCamera ??= intrinsics
  }
  if (depth === null) {
    tally.bare.push(name)
    return null
  }
  count(tally.depths, `${depth.width}x${depth.height}`)
  if (depth.width !== image.width || depth.height !== image.height) tally.otherSize.push(name)
  if (Math.abs((depth.width * image.height) / (depth.height * image.width) - 1) > 0.01) tally.otherShape.push(name)
  const sorted = measurements(depth)
  const figures = mapFigures(depth, sorted)
  tally.histogram.add(sorted)
  tally.figures.push({ ...figures, name })
  if (sorted.length === 0) tally.empty.push(name)
  return figures
}

const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)

function conclude(dataset: OpenedDataset, inspected: number, tally: Tally): Inspection {
  const { figures, histogram, cameras, firstCamera, images, depths } = tally
  const measured = figures.filter(({ valid }) => valid > 0)
  const medians = measured.map(({ median }) => median).sort((a, b) => a - b)
  const valids = figures.map(({ valid }) => valid)
  return {
    name: dataset.name,
    layout: dataset.layout,
    frames: dataset.length,
    inspected,
    broken: tally.broken,
    notes: dataset.notes ?? [],
    withoutDepth: tally.bare.length,
    empty: tally.empty,
    imageSizes: Object.fromEntries(images),
    depthSizes: Object.fromEntries(depths),
    otherSize: tally.otherSize,
    otherShape: tally.otherShape,
    cameras: { known: cameras, first: firstCamera },
    metres:
      measured.length === 0
        ? null
        : {
            min: least(measured.map(({ min }) => min)),
            p1: histogram.quantile(0.01),
            median: (medians[(medians.length - 1) >> 1] + medians[medians.length >> 1]) / 2,
            p99: histogram.quantile(0.99),
            max: -least(measured.map(({ max }) => -max)),
          },
    valid:
      valids.length === 0
        ? null
        : {
            mean: valids.reduce((sum, valid) => sum + valid, 0) / valids.length,
            min: least(valids),
            max: -least(valids.map((valid) => -valid)),
          },
    histogram: measured.length > 0 ? histogram.bars(HISTOGRAM_EDGES) : [],
    suspicions: suspicions({ frames: figures, otherShape: tally.otherShape, bare: tally.bare }),
  }
}

const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)

function captionOf(figures: MapFigures | null): string {
  if (figures === null) return 'no depth'
  if (figures.valid === 0) return 'no measurement'
  const { min, max, median, valid } = figures
  return `${min.toFixed(1)}–${max.toFixed(1)} m, median ${median.toFixed(2)}, ${percent(valid)}`
}
