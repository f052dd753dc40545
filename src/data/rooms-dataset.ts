/** Procedural rooms (src/rooms) as a data set. */
import { createRoomRenderer } from '../rooms/index.ts'
import { DarError } from '../support/errors.ts'
import { Random } from '../support/random.ts'
import type { Dataset, Frame } from './types.ts'

/** Seed of the rooms that reported figures use. No recipe of this package trains or validates on it. */
export const UNSEEN_ROOMS = { seed: 990_001, count: 40 } as const

/** The seed of the validation rooms of a run that trains on those of `seed`. */
export const validationSeed = (seed: number): number => seed + 1

/** Options of a data set of rooms, which are rendered when they are read. Default size: 320×240. */
export interface RoomsOptions {
  readonly seed?: number
  readonly count: number
  readonly width?: number
  readonly height?: number
  /** Folder of furniture catalogues, opened at the first frame. */
  readonly furniture?: string
  /** Memory for its shapes; default as `openFurniture`. */
  readonly furnitureMegabytes?: number
}

/** `count` rooms, each rendered when it is asked for. Frame i depends on (seed, i), the size and the catalogues only. */
export function roomsDataset({
  seed = 0,
  count,
  width = 320,
  height = 240,
  furniture,
  furnitureMegabytes,
}: RoomsOptions): Dataset {
  if (!Number.isInteger(count) || count < 1)
    throw new DarError(`rooms: count is ${count}; it must be a whole number from 1`)
  const render = createRoomRenderer({ keepMegabytes: furnitureMegabytes })
  const get = async (index: number): Promise<Frame> => {
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new DarError(`rooms: there is no frame ${index}; this set has frames 0 to ${count - 1}`)
    }
    const room = await render({ seed: new Random(seed, index).bits() | 0, width, height, furniture })
    return { name: `rooms/${seed}-${index}`, ...room }
  }
  return {
    name: 'rooms',
    length: count,
    get,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < count; i++) yield await get(i)
    },
  }
}
