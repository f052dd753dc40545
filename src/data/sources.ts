/**
 * Where the loader's frames come from, as plain data that a recipe can state and a worker thread can receive, and what
 * that data turns into: something that has a frame for every position of its stream (mix.ts). Frames are a function of
 * the position and of the given random numbers alone; what a source remembers only saves time.
 *
 * A data set keeps its decoded frames, shrunk to what the network can use, so that later epochs cost no decoding. Rooms are
 * endless but slow to render, so each is used several times, with another augmentation: draw n picks one of the rooms
 * first … first + pool − 1 with first = ⌊n / reuse⌋, a window that moves on by one room every `reuse` draws. The stream
 * is cut into `LANES` windows by batch number, so that worker threads that share the batches do not render each other's
 * rooms again (their number should divide `LANES`).
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
  readonly seed: number
  readonly weight: number
  /** Size that rooms are rendered at. */
  readonly width: number
  readonly height: number
  /** Folder of furniture catalogues; default: rooms furnish themselves. */
  readonly furniture?: string
  /** How often a room is used, on average. */
  readonly reuse?: number
  /** How many rooms are to choose from at any time; a multiple of 4. */
  readonly pool?: number
}

/** A source of a training stream, as plain data that a worker thread can be sent. */
export type SourceSpec = DatasetSource | RoomsSource

/** How the rooms source gets its rooms: src/rooms, or something faster in a test. */
export type RenderRoom = (options: {
  readonly seed: number
  readonly width: number
  readonly height: number
  readonly furniture?: string
}) => Omit<Frame, 'name'> | Promise<Omit<Frame, 'name'>>

export interface Source {
  /**
   * The frame of the `ordinal`-th position of this source, for batch `batchIndex`. `random` belongs to the sample and
   * may be drawn from.
   */
  frame(ordinal: number, batchIndex: number, random: Random): Promise<Frame>
}

/** Separate windows of rooms; see above. */
export const LANES = 4

export interface SourceOptions {
  /** Of the epoch orders. */
  readonly seed: number
  /** Frames are kept at no more than this size (unless their shape needs more on one side). */
  readonly maxWidth: number
  readonly maxHeight: number
  /** Decoded frames beyond this are read anew every time. */
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
export function datasetSource(
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
  const { seed, width, height, furniture, reuse = 4, pool = 64 } = spec
  const lanePool = pool / LANES
  assert(Number.isInteger(lanePool) && lanePool > 0, `a pool of ${pool} rooms in ${LANES} lanes`)
  const lanes = Array.from({ length: LANES }, () => new Map<number, Promise<Frame>>())
  const make = async (room: number): Promise<Frame> => {
    const roomSeed = new Random(seed, room).bits()
    const rendered = await render({ seed: roomSeed, width, height, furniture })
    return shrinkFrame({ ...rendered, name: `rooms/${roomSeed}` }, maxWidth, maxHeight)
  }
  const frame = async (ordinal: number, batchIndex: number, random: Random): Promise<Frame> => {
    const lane = batchIndex % LANES
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
