/**
 * The meaning of `--data`: `rooms`, or a path in any layout that src/data/readers knows. `--split` takes one side of a
 * hold-out: the official one where the layout has one (NYU's .mat, SUN RGB-D), otherwise that of a recipe for the
 * folder of this name.
 */
import { basename, resolve } from 'node:path'
import {
  type Dataset,
  layoutTakes,
  type NamedDataset,
  openDataset,
  recognise,
  roomsDataset,
  splitNames,
  subsetOf,
  UNSEEN_ROOMS,
} from '../data/index.ts'
import { DarError } from '../support/errors.ts'
import { loadRecipe } from '../train/index.ts'

export const SIDES = ['test', 'train', 'all'] as const
export type Side = (typeof SIDES)[number]

export interface EvalData {
  readonly dataset: Dataset
  /** Without the data set's own name; null where frames have no names of their own. */
  readonly names: readonly string[] | null
  /** The part of the data that was used, for records; null for everything. */
  readonly split: string | null
}

export interface EvalDataOptions {
  readonly split?: Side
  /** Whose hold-outs folders have. */
  readonly recipe?: string
  /** The first so many frames. */
  readonly limit?: number
  /** A split file of the layout. */
  readonly list?: string
  readonly depthScale?: number
}

/** Throws a DarError when the data are not there, or a side of a hold-out is asked of data that have none. */
export async function openEvalData(path: string, options: EvalDataOptions = {}): Promise<EvalData> {
  const { split = 'all', limit, recipe = 'dar-nano' } = options
  if (path === 'rooms') {
    if (split !== 'all') throw new DarError('rooms have no split: all of them are unseen; leave --split out')
    const { seed, count } = UNSEEN_ROOMS
    const dataset = roomsDataset({ seed, count: limit ?? count })
    return { dataset, names: null, split: `seed ${seed}, ${dataset.length} frames` }
  }
  const opened = await openSide(path, split, recipe, options)
  if (opened.dataset.length === 0) throw new DarError(`${path} has no frame to evaluate; check the path and the split`)
  if (limit === undefined || limit >= opened.dataset.length) return { ...opened, names: opened.dataset.names }
  const dataset = subsetOf(opened.dataset, opened.dataset.names.slice(0, limit))
  const first = `first ${limit} of ${opened.dataset.length} frames`
  return { dataset, names: dataset.names, split: opened.split === null ? first : `${opened.split}, ${first}` }
}

async function openSide(
  path: string,
  split: Side,
  recipe: string,
  { list, depthScale }: EvalDataOptions,
): Promise<{ dataset: NamedDataset; split: string | null }> {
  const { layout, path: root } = await recognise(path)
  const own = root === path ? undefined : basename(resolve(path)) // it is what was asked for
  if (layout === 'photos') throw new DarError(`${path} holds photos without depth; evaluate frames with ground truth`)
  // Lists may name frames without ground truth: 45 of the 697 of KITTI's Eigen split.
  const withoutDepth = layoutTakes(layout, 'withoutDepth') ? 'drop' : undefined
  const official = layoutTakes(layout, 'side')
  if (split === 'all' || official) {
    const side = official ? split : undefined
    const dataset = await openDataset(root, { layout, name: own, list, depthScale, side, withoutDepth })
    const listed = list === undefined ? null : `list ${basename(list)}`
    const whose = listed === null ? `official ${split} side` : `${split} side, ${listed}`
    return { dataset, split: split === 'all' ? listed : whose }
  }
  const dataset = await openDataset(root, { layout, name: own, list, depthScale, withoutDepth })
  const name = basename(resolve(path))
  const source = (await loadRecipe(recipe)).data.find((one) => one.kind === 'dataset' && one.name === name)
  if (source?.kind !== 'dataset' || !source.split)
    throw new DarError(
      `the recipe ${recipe} has no hold-out of a folder named ${name}; leave --split out, or name another --recipe`,
    )
  return {
    dataset: subsetOf(dataset, splitNames(dataset.names, source.split)[split]),
    split: `${split} side of ${recipe}`,
  }
}
