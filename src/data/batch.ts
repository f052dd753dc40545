/**
 * Makes training batches: batch i is a pure function of the options and of i. Every sample has its own random stream,
 * seeded by its position, so it does not depend on earlier batches, on threads or on timing. Worker threads can
 * therefore share the work, and a run can resume in the middle.
 */

import { DarError } from '../support/errors.ts'
import { Random } from '../support/random.ts'
import { type Augmentation, augment, wholeLabel } from './augment.ts'
import { slotAt } from './mix.ts'
import { LANES, openSource, type RenderRoom, type Source, type SourceSpec } from './sources.ts'
import { readFeatures, type StoredFeatures } from './stored-features.ts'

/** Beyond those of the sources, which count down from −1. */
const DRAWS_STREAM = -1e6

/** Default memory for decoded frames. */
export const CACHE_MEGABYTES = 1024

/** Plain data, so that it can be sent to worker threads. */
export interface BatchOptions {
  readonly sources: readonly SourceSpec[]
  /** Samples per batch. */
  readonly batch: number
  /** Size of the network's input. */
  readonly width: number
  readonly height: number
  readonly seed: number
  /** How many consecutive batches are parts of one update; default 1. The samples are then those of one batch as large as all parts. */
  readonly perUpdate?: number
  /** Random numbers that every sample brings for the network; default 0. */
  readonly draws?: number
  /** What stands for the pictures: whole frames, as in `wholeFrame`, so there is no augmentation. Default: the pictures. */
  readonly features?: StoredFeatures
  readonly augmentation?: Augmentation
  /** Decoded frames are kept at up to this many times the network's size, each side. */
  readonly keepScale?: number
  /** Memory for decoded frames, per worker. */
  readonly cacheMegabytes?: number
  /** Memory for the shapes of furniture that rooms have from a folder, per worker. */
  readonly furnitureMegabytes?: number
}

/** Samples of one update, one after the other. */
export interface Batch {
  readonly index: number
  /** batch·3·height·width, RGB in [0, 1]; empty where features stand for it. */
  readonly image: Float32Array
  /** batch·1·height·width, canonical metres, 0 = not measured. */
  readonly depth: Float32Array
  /** Of the frames, for messages. */
  readonly names: readonly string[]
  /** Canonical metres per true metre, one per sample. */
  readonly scales: Float32Array
  /** One per sample: 1 where the depth is a teacher's, right up to scale and shift of its inverse, else 0. */
  readonly teacher: Uint8Array
  /** batch·draws, uniform in [0, 1). */
  readonly draws: Float32Array
  /** The encoder's maps of the pictures, where the options have features; else empty. */
  readonly taps: readonly Float32Array[]
}

/** Throws a DarError naming the first option that makes no sense. */
export function checkBatchOptions(options: BatchOptions): void {
  const { batch, width, height, perUpdate = 1 } = options
  for (const [key, value] of Object.entries({ batch, width, height, perUpdate }))
    if (!Number.isInteger(value) || value < 1)
      throw new DarError(`the loader's ${key} is ${value}; give a whole number of at least 1`)
  const { cacheMegabytes = 0 } = options
  if (!(cacheMegabytes >= 0))
    throw new DarError(`the loader's cacheMegabytes is ${cacheMegabytes}; give a number of at least 0`)
  if (options.sources.length === 0) throw new DarError('the loader has no sources; name at least one')
  for (const source of options.sources) {
    const { name = 'rooms' } = source
    if (!(source.weight > 0))
      throw new DarError(`source ${name} has weight ${source.weight}; give a positive one or leave it out`)
    if (source.kind !== 'rooms') continue
    const { reuse = 1, pool = LANES } = source
    if (!(reuse >= 1)) throw new DarError(`source ${name} has reuse ${reuse}; give at least 1`)
    if (!Number.isInteger(pool / LANES) || pool < LANES)
      throw new DarError(`source ${name} has a pool of ${pool}; give a multiple of ${LANES}`)
  }
}

/** Makes any batch of a stream by its index: batch i depends on the seed and i only. */
export interface BatchMaker {
  /** Batch `index` ≥ 0. Throws a DarError that names the file when a frame cannot be read. */
  make(index: number): Promise<Batch>
}

/** Opens the sources. Throws a DarError when an option or a folder is wrong. */
export async function createBatchMaker(options: BatchOptions, render: RenderRoom): Promise<BatchMaker> {
  checkBatchOptions(options)
  const {
    batch,
    width,
    height,
    seed,
    perUpdate = 1,
    draws: count = 0,
    features,
    augmentation = {},
    keepScale = 2,
    cacheMegabytes = CACHE_MEGABYTES,
  } = options
  const sources: Source[] = await Promise.all(
    options.sources.map((spec, i) =>
      openSource(spec, {
        // A stream that no sample uses, because samples count up from 0.
        seed: new Random(seed, -1 - i).bits(),
        maxWidth: Math.round(keepScale * width),
        maxHeight: Math.round(keepScale * height),
        cacheBytes: (cacheMegabytes * 2 ** 20) / options.sources.length,
        render,
      }),
    ),
  )
  const weights = options.sources.map(({ weight }) => weight)
  const pixels = width * height

  // Streams of their own, so that the pictures are those of a run without.
  const drawSeed = new Random(seed, DRAWS_STREAM).bits()
  const drawsOf = (index: number): Float32Array => {
    const draws = new Float32Array(batch * count)
    for (let j = 0; j < batch; j++) {
      const random = new Random(drawSeed, index * batch + j)
      // In multiples of 2⁻²⁴: float32 would round larger ones to 1.
      for (let n = 0; n < count; n++) draws[j * count + n] = Math.floor(random.uniform() * 2 ** 24) / 2 ** 24
    }
    return draws
  }

  const make = async (index: number): Promise<Batch> => {
    const update = Math.floor(index / perUpdate)
    const drawn = await Promise.all(
      Array.from({ length: batch }, async (_, j) => {
        const position = index * batch + j
        const random = new Random(seed, position)
        const { source, ordinal } = slotAt(position, weights)
        return { frame: await sources[source].frame(ordinal, update, random), random, spec: options.sources[source] }
      }),
    )
    const image = new Float32Array(features ? 0 : batch * 3 * pixels)
    const depth = new Float32Array(batch * pixels)
    const samples = drawn.map(({ frame, random }, j) => {
      const into = {
        image: image.subarray(3 * j * pixels, 3 * (j + 1) * pixels),
        depth: depth.subarray(j * pixels, (j + 1) * pixels),
      }
      return features
        ? wholeLabel(frame, { width, height, into })
        : augment(frame, random, { ...augmentation, width, height, into })
    })
    const names = samples.map(({ name }) => name)
    const scales = Float32Array.from(samples, ({ scale }) => scale)
    const teacher = Uint8Array.from(drawn, ({ spec }) => Number(spec.kind === 'dataset' && (spec.teacher ?? false)))
    const taps = features ? await readFeatures(features, names) : []
    return { index, image, depth, names, scales, teacher, draws: drawsOf(index), taps }
  }
  return { make }
}
