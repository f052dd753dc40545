/**
 * The sources of the loader's frames. A source is plain data that a recipe can state and a worker thread can receive.
 * Opened, it gives a frame for every position of its stream (mix.ts). Frames depend only on the position and the given
 * random numbers; what a source caches only saves time.
 *
 * A data set keeps its decoded frames, reduced to what the network can use, so that later epochs need no decoding.
 * Rooms are endless but slow to render, so each is used several times with different augmentation. Draw n picks one of
 * the rooms first … first + pool − 1 with first = ⌊n / reuse⌋: a window that moves by one room every `reuse` draws. The
 * stream is divided into `LANES` windows by the number of the update, so that worker threads that share the batches do not render
 * the same rooms (their number should divide `LANES`).
 */
import { assert } from '../support/errors.ts'
import { Random } from '../support/random.ts'
import { EpochOrder } from './mix.ts'
import { subsetOf } from './named.ts'
import { type OpenOptions, openDataset } from './readers/index.ts'
import type { Dataset, Frame } from './types.ts'
import { shrinkFrame } from './view.ts'

/** A data set in any layout that `openDataset` reads. */
export interface DatasetSource {
  readonly kind: 'dataset'
  readonly root: string
  readonly name: string
  /** Only these frames, for instance the training side of a split; default: all. */
  readonly names?: readonly string[]
  /** Share of the training stream, relative to the other sources. */
  readonly weight: number
  /** How to read it; default: as what it looks like. */
  readonly options?: Omit<OpenOptions, 'name'>
  /** Its depth is another network's: right up to scale and shift of inverse depth. Batches say so; default false. */
  readonly teacher?: boolean
}

/** Procedural rooms, as one source of a training stream. */
export interface RoomsSource {
  readonly kind: 'rooms'
  /** For messages; default `rooms`. */
  readonly name?: string
  readonly seed: number
  readonly weight: number
  /** Size that rooms are rendered at. */
  readonly width: number
  readonly height: number
  /** Folder of furniture catalogues; default: the built-in furniture. */
  readonly furniture?: string
  /** How often a room is used, on average. */
  readonly reuse?: number
  /** Number of rooms in the window; a multiple of 4. */
  readonly pool?: number
}

/** A source of a training stream, as plain data that a worker thread can be sent. */
export type SourceSpec = DatasetSource | RoomsSource

/** Makes the rooms of a rooms source: src/rooms, or something faster in a test. */
export type RenderRoom = (options: {
  readonly seed: number
  readonly width: number
  readonly height: number
  readonly furniture?: string
}) => Omit<Frame, 'name'> | Promise<Omit<Frame, 'name'>>

export interface Source {
  /**
   * The frame of the `ordinal`-th position of this source, for the batch of update `update`. `random` belongs to the sample and
   * may be drawn from.
   */
  frame(ordinal: number, update: number, random: Random): Promise<Frame>
}

/** Default number of uses of a room. */
export const ROOM_REUSE = 4
/** Default number of rooms in the window that samples are drawn from. */
export const ROOM_POOL = 64

/** Separate windows of rooms; see above. */
export const LANES = 4

export interface SourceOptions {
  /** Seed of the order in each epoch. */
  readonly seed: number
  /** Frames are kept at no more than this size (unless their shape needs more on one side). */
  readonly maxWidth: number
  readonly maxHeight: number
  /** Limit for decoded frames. Beyond it, frames are read again every time. */
  readonly cacheBytes: number
  readonly render: RenderRoom
}

/** Throws a DarError when the layout of a data set is wrong. */
export async function openSource(spec: SourceSpec, options: SourceOptions): Promise<Source> {
  if (spec.kind === 'rooms') return roomsSource(spec, options)
  const dataset = await openDataset(spec.root, { ...spec.options, name: spec.name })
  return datasetSource(spec.names ? subsetOf(dataset, spec.names) : dataset, options)
}

/** A data set as an endless stream: every frame once per epoch. */
function datasetSource(
  dataset: Dataset,
  { seed, maxWidth, maxHeight, cacheBytes }: Omit<SourceOptions, 'render'>,
): Source {
  const order = new EpochOrder(dataset.length, seed)
  const kept = new Map<number, Frame>()
  let keptBytes = 0
  const frame = async (ordinal: number): Promise<Frame> => {
    const index = order.at(ordinal)
    const known = kept.get(index)
    if (known) return known
    const small = shrinkFrame(await dataset.get(index), maxWidth, maxHeight)
    const bytes = small.image.data.byteLength + (small.depth?.data.byteLength ?? 0)
    if (!kept.has(index) && keptBytes + bytes <= cacheBytes) {
      kept.set(index, small)
      keptBytes += bytes
    }
    return small
  }
  return { frame }
}

function roomsSource(spec: RoomsSource, { maxWidth, maxHeight, render }: SourceOptions): Source {
  const { seed, width, height, furniture, reuse = ROOM_REUSE, pool = ROOM_POOL } = spec
  const lanePool = pool / LANES
  assert(Number.isInteger(lanePool) && lanePool > 0, `a pool of ${pool} rooms in ${LANES} lanes`)
  const lanes = Array.from({ length: LANES }, () => new Map<number, Promise<Frame>>())
  const make = async (room: number): Promise<Frame> => {
    const roomSeed = new Random(seed, room).bits()
    const rendered = await render({ seed: roomSeed, width, height, furniture })
    return shrinkFrame({ ...rendered, name: `rooms/${roomSeed}` }, maxWidth, maxHeight)
  }
  const frame = async (ordinal: number, update: number, random: Random): Promise<Frame> => {
    const lane = update % LANES
    const kept = lanes[lane]
    const first = Math.floor(ordinal / (reuse * LANES))
    const number = first + random.integer(0, lanePool)
    for (const old of kept.keys()) if (old < first) kept.delete(old)
    const known = kept.get(number)
    if (known) return known
    const made = make(number * LANES + lane)
    kept.set(number, made)
    return made
  }
  return { frame }
}
