/**
 * The frames that a model card reports on, and the trivial predictors beside it, which are built from the training side only:
 * the hold-outs of the real sets (src/data/real-splits.ts), and rooms of a seed that no training run has used.
 */
import { join } from 'node:path'
import recipe from '../../recipes/dar-nano.ts'
import {
  type Dataset,
  type Frame,
  folderDataset,
  roomsDataset,
  SPLITS,
  splitNames,
  UNSEEN_ROOMS,
} from '../../src/data/index.ts'
import { constantPredictor, DepthStatistics, depthStatistics, mapPredictor } from '../../src/eval/baselines.ts'
import type { Predictor } from '../../src/eval/index.ts'
import { assert } from '../../src/support/errors.ts'

const TRAINING_ROOMS = 120

export interface CardSet {
  readonly name: string
  /** Description of the frames that are held out. */
  readonly note: string
  readonly test: Dataset
  /** By name; built from training frames. */
  readonly baselines: ReadonlyMap<string, Predictor>
}

export interface CardSets {
  readonly sets: readonly CardSet[]
  /** Values of the constant predictors in metres, by the training frames that they come from. */
  readonly constants: Readonly<Record<string, number>>
}

const NOTES: Readonly<Record<string, string>> = {
  rgbdd: 'four of twelve days of capture, never trained on',
  hololens: 'the last fifth of the walk',
  kitchen: 'two blocks of a known scene, a fifth of its frames',
  tum: 'the cabinet, another place than the desk that is trained on',
  office: 'corridors and a classroom, other cameras and places',
  tabletop: 'two other sources than the one that is trained on',
  furnished: 'rendered; the last homes',
}

export interface CardSetOptions {
  /** Number of unseen rooms to judge; 0 for none. */
  readonly rooms?: number
  /** At most this many frames of each side of each set, spread evenly, for a quick look. */
  readonly limit?: number
  readonly onRead?: (what: string) => void
}

/** `folder` holds the sets of SPLITS. Throws a DarError when one is missing or broken. */
export async function openCardSets(
  folder: string,
  { rooms = UNSEEN_ROOMS.count, limit = Number.POSITIVE_INFINITY, onRead }: CardSetOptions = {},
): Promise<CardSets> {
  const pooled = new DepthStatistics()
  const real: { name: string; test: Dataset; own: DepthStatistics }[] = []
  for (const name of Object.keys(SPLITS)) {
    const { train, test } = await sidesOf(folder, name, limit)
    onRead?.(`${name}: ${train.length} training frames for the baselines`)
    const own = await depthStatistics(train)
    pooled.merge(own)
    real.push({ name, test, own })
  }
  const constants: Record<string, number> = { pooled: pooled.constant() }
  const pooledConstant = constantPredictor(pooled.constant())
  const pooledMap = mapPredictor(pooled.meanMap())
  const sets = real.map(({ name, test, own }): CardSet => {
    constants[name] = own.constant()
    const baselines = new Map<string, Predictor>([
      [`constant ${pooled.constant().toFixed(2)} m`, pooledConstant],
      ['mean map, all sets', pooledMap],
      ['mean map, this set', mapPredictor(own.meanMap())],
    ])
    return { name, note: NOTES[name], test, baselines }
  })
  if (rooms > 0) {
    const train = trainingRooms(Math.min(TRAINING_ROOMS, limit))
    onRead?.(`rooms: ${train.length} training frames for the baselines`)
    const own = await depthStatistics(train)
    constants.rooms = own.constant()
    sets.push({
      name: 'rooms',
      note: `seed ${UNSEEN_ROOMS.seed}, never trained on`,
      test: unseenRooms(Math.min(rooms, limit)),
      baselines: new Map([
        [`constant ${own.constant().toFixed(2)} m`, constantPredictor(own.constant())],
        ['mean map, this set', mapPredictor(own.meanMap())],
      ]),
    })
  }
  return { sets, constants }
}

/** The held-out frames alone, by set: those of openCardSets, without the reading of training frames for baselines. */
export async function openHoldOuts(
  folder: string,
  { rooms = UNSEEN_ROOMS.count, limit = Number.POSITIVE_INFINITY }: Omit<CardSetOptions, 'onRead'> = {},
): Promise<ReadonlyMap<string, Dataset>> {
  const sets = new Map<string, Dataset>()
  for (const name of Object.keys(SPLITS)) sets.set(name, (await sidesOf(folder, name, limit)).test)
  if (rooms > 0) sets.set('rooms', unseenRooms(Math.min(rooms, limit)))
  return sets
}

async function sidesOf(folder: string, name: string, limit: number): Promise<{ train: Dataset; test: Dataset }> {
  const path = join(folder, name)
  const { names } = await folderDataset(path)
  const split = splitNames(names, SPLITS[name])
  const side = (which: readonly string[]) => folderDataset(path, { names: spread(which, limit) })
  return { train: await side(split.train), test: remembered(await side(split.test)) }
}

const unseenRooms = (count: number): Dataset => remembered(roomsDataset({ seed: UNSEEN_ROOMS.seed, count }))

function trainingRooms(count: number): Dataset {
  const rooms = recipe.data.find((source) => source.kind === 'rooms')
  assert(rooms, 'the recipe trains on rooms')
  return roomsDataset({ seed: rooms.seed, count, width: rooms.width, height: rooms.height })
}

function spread<T>(items: readonly T[], limit: number): T[] {
  const count = Math.min(limit, items.length)
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)])
}

/** Caches decoded frames: several predictors are judged on them, and decoding costs more than some predictions. */
export function remembered(dataset: Dataset): Dataset {
  const frames = new Map<number, Promise<Frame>>()
  const get = (index: number) => {
    const frame = frames.get(index) ?? dataset.get(index)
    frames.set(index, frame)
    return frame
  }
  return {
    name: dataset.name,
    length: dataset.length,
    get,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < dataset.length; i++) yield await get(i)
    },
  }
}
