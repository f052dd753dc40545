/** Turns a recipe's data into the loader's sources and the validation sets: resolves paths, takes hold-outs out. */
import { join, resolve } from 'node:path'
import {
  type Dataset,
  openDataset,
  roomsDataset,
  type SourceSpec,
  splitNames,
  subsetOf,
  validationSeed,
} from '../data/index.ts'
import { openFurniture } from '../rooms/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { type DatasetData, type DatasetOptions, nameOfData, type Recipe, type RoomsData } from './recipe.ts'
import { contentsOf, type DataContents } from './run-identity.ts'

export interface ResolvedData {
  readonly sources: readonly SourceSpec[]
  /** One per data set that holds frames out, and one, `<name>-choice`, per set with frames to choose the best model by. */
  readonly validation: readonly Dataset[]
  /** Names of the latter. */
  readonly choosing: readonly string[]
  /** What each source holds, in their order. */
  readonly contents: readonly DataContents[]
}

/** Megabytes of furniture of the rooms held out, which are rendered once or a few times. */
export const HELD_FURNITURE = 64

/**
 * `root` is the folder that the recipe's paths are relative to. Opens every folder, so that a wrong path or layout shows
 * before anything else is done: throws a DarError that names it.
 */
export async function resolveData({ data }: Pick<Recipe, 'data'>, root: string): Promise<ResolvedData> {
  const resolved = await Promise.all(data.map((one) => resolveOne(one, root)))
  return {
    sources: resolved.map(({ source }) => source),
    validation: [
      ...resolved.flatMap(({ validation }) => validation ?? []),
      ...resolved.flatMap(({ choosing }) => choosing ?? []),
    ],
    choosing: resolved.flatMap(({ choosing }) => choosing?.name ?? []),
    contents: resolved.map(({ contents }) => contents),
  }
}

/** One entry of a recipe's data: as a source, and what is held out of it. Throws as `resolveData`. */
export async function resolveOne(one: Recipe['data'][number], root: string) {
  return one.kind === 'rooms' ? resolveRooms(one, root) : resolveDataset(one, root)
}

async function resolveDataset(data: DatasetData, root: string) {
  const { name, weight, split, validation, teacher } = data
  const path = join(root, data.path)
  const options = listBelow(data.options, root)
  const dataset = await openDataset(path, { ...options, name })
  // The layout is stated, so that worker threads need not recognise it again.
  const read = { ...options, layout: dataset.layout }
  const source = { kind: 'dataset', root: path, name, weight, options: read, teacher } as const
  const opened = validation
    ? await openDataset(path, { layout: dataset.layout, ...options, ...listBelow(validation, root), name })
    : null
  if (!split && !data.choose) return { source, validation: opened, choosing: null, contents: await contentsOf(dataset) }
  const { train: left, test } = split ? splitDataset(dataset.names, split, path) : { train: dataset.names, test: [] }
  const { train, test: chosenBy } = data.choose ? splitDataset(left, data.choose, path) : { train: left, test: [] }
  const contents = await contentsOf(subsetOf(dataset, train))
  // What a teacher said of the frames held out is no truth to validate on.
  const held = split && !teacher ? subsetOf(dataset, test) : null
  const choosing = data.choose ? { ...subsetOf(dataset, chosenBy), name: `${name}-choice` } : null
  return { source: { ...source, names: train }, validation: opened ?? held, choosing, contents }
}

/** A split file's path is relative to the data folder, too. */
function listBelow(options: DatasetOptions | undefined, root: string): DatasetOptions {
  return options?.list === undefined ? { ...options } : { ...options, list: join(root, options.list) }
}

function splitDataset(names: readonly string[], split: NonNullable<DatasetData['split']>, folder: string) {
  try {
    return splitNames(names, split)
  } catch (error) {
    throw error instanceof DarError ? new DarError(`${folder}: ${messageOf(error)}`, { kind: error.kind }) : error
  }
}

async function resolveRooms(data: RoomsData, root: string) {
  const { seed, weight, width, height, reuse, validation = 0 } = data
  const name = nameOfData(data)
  const furniture = data.furniture === undefined ? undefined : resolve(root, data.furniture)
  const digest = furniture === undefined ? '' : (await openFurniture(furniture)).digest
  const source = { kind: 'rooms', name, seed, weight, width, height, reuse, furniture } as const
  const rooms = { seed: validationSeed(seed), count: validation, width, height, furniture }
  const held = validation > 0 ? { ...roomsDataset({ ...rooms, furnitureMegabytes: HELD_FURNITURE }), name } : null
  return { source, validation: held, choosing: null, contents: { name, frames: null, digest } }
}
