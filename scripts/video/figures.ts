/**
 * What smoothing gains on a camera that stands still, and what it costs on one that is carried about. Raw depth and smoothed depth come
 * from the same predictions, through the same code as `dar video`.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { folderDataset, SPLITS, splitNames } from '../../src/data/index.ts'
import { judge, namedProtocol } from '../../src/eval/index.ts'
import { decodeImage } from '../../src/node/index.ts'
import type { DepthModel } from '../../src/predict/index.ts'
import { lumaGrid, steadier } from '../../src/video/index.ts'

/** Raw and smoothed. */
export interface Pair {
  readonly raw: number
  readonly smooth: number
}

export interface StillFigures {
  readonly frames: number
  /** Mean over all pixels of the standard deviation of ln d over time, moving hands included. */
  readonly deviation: Pair
  /** The same over the pixels whose photo stays within `STILL` levels all the time. */
  readonly stillDeviation: Pair
  /** Share of such pixels. */
  readonly still: number
  /** Mean of |ln d − ln d of the frame before|. */
  readonly step: Pair
}

/** Levels of brightness, from the darkest to the lightest frame, within which a pixel stands still. */
const STILL = 20

/** The pictures of a folder in the order of their names, as one video. */
export async function measureStill(
  model: DepthModel,
  folder: string,
  { most = Number.POSITIVE_INFINITY, onFrame = () => {} }: MeasureOptions = {},
): Promise<StillFigures> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort()
  const paths = names.map((name) => join(folder, name)).slice(0, most)
  const steady = steadier({ smooth: true })
  const [raw, smooth, luma] = [new Spread(), new Spread(), new Spread()]
  for (const path of paths) {
    const photo = await decodeImage(path)
    const maps = await model.predictMaps(photo)
    raw.add(maps.depth.data.map(Math.log))
    smooth.add(steady.next(photo, maps).data.map(Math.log))
    luma.add(lumaGrid(photo, maps.depth))
    onFrame()
  }
  const still = (i: number) => luma.range(i) <= STILL
  return {
    frames: paths.length,
    deviation: { raw: raw.deviation(), smooth: smooth.deviation() },
    stillDeviation: { raw: raw.deviation(still), smooth: smooth.deviation(still) },
    still: luma.share(still),
    step: { raw: raw.step(), smooth: smooth.step() },
  }
}

/** Sums over time for each pixel. */
class Spread {
  private count = 0
  private sums = new Float64Array()
  private squares = new Float64Array()
  private least = new Float32Array()
  private most = new Float32Array()
  private last: Float32Array | null = null
  private steps = 0

  add(values: Float32Array): void {
    if (this.count === 0) {
      this.sums = new Float64Array(values.length)
      this.squares = new Float64Array(values.length)
      this.least = values.slice()
      this.most = values.slice()
    }
    this.count++
    for (let i = 0; i < values.length; i++) {
      this.sums[i] += values[i]
      this.squares[i] += values[i] ** 2
      this.least[i] = Math.min(this.least[i], values[i])
      this.most[i] = Math.max(this.most[i], values[i])
      if (this.last) this.steps += Math.abs(values[i] - this.last[i])
    }
    this.last = values
  }

  range(i: number): number {
    return this.most[i] - this.least[i]
  }

  share(counts: (i: number) => boolean): number {
    return this.sums.reduce((total, _, i) => total + Number(counts(i)), 0) / this.sums.length
  }

  /** Mean over the pixels that count of the standard deviation over time. */
  deviation(counts: (i: number) => boolean = () => true): number {
    let total = 0
    let pixels = 0
    for (let i = 0; i < this.sums.length; i++) {
      if (!counts(i)) continue
      total += Math.sqrt(Math.max(0, this.squares[i] / this.count - (this.sums[i] / this.count) ** 2))
      pixels++
    }
    return total / pixels
  }

  step(): number {
    return this.steps / (this.sums.length * (this.count - 1))
  }
}

export interface WalkFigures {
  readonly frames: number
  /** Mean abs_rel of the frames, whole image, 0.1 to 10 m, no alignment. */
  readonly absRel: Pair
}

export interface MeasureOptions {
  /** Look at the first frames only. */
  readonly most?: number
  readonly onFrame?: () => void
}

/** A folder data set whose frames are a video, against its measured depth: all frames, or those that training held out. */
export async function measureWalk(
  model: DepthModel,
  folder: string,
  { heldOut = false, onFrame = () => {} }: Omit<MeasureOptions, 'most'> & { readonly heldOut?: boolean } = {},
): Promise<WalkFigures> {
  const all = await folderDataset(folder)
  const rule = SPLITS[all.name]
  const dataset = heldOut && rule ? await folderDataset(folder, { names: splitNames(all.names, rule).test }) : all
  const protocols = [namedProtocol('indoor')]
  const steady = steadier({ smooth: true })
  const sums = { raw: 0, smooth: 0 }
  for (let i = 0; i < dataset.length; i++) {
    const frame = await dataset.get(i)
    const maps = await model.predictMaps(frame.image, { focal: frame.intrinsics?.fx })
    const [raw] = judge(frame, maps.depth, { protocols })
    const [smooth] = judge(frame, steady.next(frame.image, maps), { protocols })
    sums.raw += (raw?.metrics.abs_rel ?? 0) / dataset.length
    sums.smooth += (smooth?.metrics.abs_rel ?? 0) / dataset.length
    onFrame()
  }
  return { frames: dataset.length, absRel: sums }
}
