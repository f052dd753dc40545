/**
 * What `--data` means: `rooms`, or a path in any layout that src/data/readers knows. `--split` takes one side of a hold-out:
 * the official one where the layout has one (NYU's .mat, SUN RGB-D), else that of a recipe for the folder of its name. Without it a model
 * is judged on what its recipe held out, where that is known.
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import {
  type Dataset,
  layoutTakes,
  type NamedDataset,
  openDataset,
  recognise,
  roomsDataset,
  type Split,
  type SplitRule,
  splitNames,
  subsetOf,
  UNSEEN_ROOMS,
} from '../data/index.ts'
import { resolveModelPath } from '../node/model-path.ts'
import { readHeader } from '../runtime/safetensors-file.ts'
import { DarError } from '../support/errors.ts'
import { loadRecipe, ownRecipes } from '../train/index.ts'

export const SIDES = ['test', 'train', 'all'] as const
export type Side = (typeof SIDES)[number]

export interface EvalData {
  readonly dataset: Dataset
  /** The same, where its frames have names of their own; null for procedural rooms. */
  readonly named: NamedDataset | null
  /** The part of the data set that was used, for records; null for all of it. */
  readonly split: string | null
  /** How many of the frames are known to be in the training data of the model. */
  readonly trainedOn: number
}

export interface EvalDataOptions {
  /** Default: `test` where the model's recipe has a hold-out of the data, else `all`. */
  readonly split?: Side
  /** Name or file of the model that is judged; none for predictions of another program. */
  readonly model?: string
  /** Whose hold-outs folders have. */
  readonly recipe?: string
  /** Use only this many frames, from the first. */
  readonly limit?: number
  /** A split file of the layout. */
  readonly list?: string
  readonly depthScale?: number
}

/** Whether a path means the procedural rooms. `rooms:` does even where there is a folder called rooms. */
export const isRooms = (path: string): boolean => path === 'rooms' || path === 'rooms:'

/** Throws a DarError when the data are not there, or a side of a hold-out is asked of data that have none. */
export async function openEvalData(path: string, options: EvalDataOptions = {}): Promise<EvalData> {
  const { split, limit } = options
  if (isRooms(path)) {
    if (path === 'rooms' && existsSync(path))
      throw new DarError('there is a folder called rooms here: give ./rooms for it, or rooms: for the procedural rooms')
    if (split !== undefined && split !== 'all')
      throw new DarError('rooms have no split: all of them are unseen; leave --split out')
    const { seed, count } = UNSEEN_ROOMS
    const dataset = roomsDataset({ seed, count: limit ?? count })
    return { dataset, named: null, split: `seed ${seed}, ${dataset.length} frames`, trainedOn: 0 }
  }
  await refuseSeveral(path)
  const { trained, ...opened } = await openSide(path, options)
  const all = opened.dataset.names
  if (all.length === 0) throw new DarError(`${path} has no frame to evaluate; check the path and the split`)
  const names = limit === undefined ? all : all.slice(0, limit)
  const trainedOn = names.filter((name) => trained.has(name)).length
  if (names.length === all.length) return { ...opened, named: opened.dataset, trainedOn }
  const first = `first ${limit} of ${all.length} frames`
  const named = subsetOf(opened.dataset, names)
  return {
    dataset: named,
    named,
    split: opened.split === null ? first : `${opened.split}, ${first}`,
    trainedOn,
  }
}

interface Opened {
  readonly dataset: NamedDataset
  readonly split: string | null
  /** Frames that the model was trained on. */
  readonly trained: ReadonlySet<string>
}

async function openSide(path: string, options: EvalDataOptions): Promise<Opened> {
  const { split, list, depthScale } = options
  const { layout, path: root } = await recognise(path)
  const own = root === path ? undefined : basename(resolve(path)) // it is what was asked for
  if (layout === 'photos') throw new DarError(`${path} holds photos without depth; evaluate frames with ground truth`)
  // Lists may name frames without ground truth: 45 of the 697 of KITTI's Eigen split.
  const withoutDepth = layoutTakes(layout, 'withoutDepth') ? 'drop' : undefined
  if (layoutTakes(layout, 'side')) {
    const side = split ?? 'all'
    const dataset = await openDataset(root, { layout, name: own, list, depthScale, side, withoutDepth })
    const listed = list === undefined ? null : `list ${basename(list)}`
    const whose = listed === null ? `official ${side} side` : `${side} side, ${listed}`
    return { dataset, split: side === 'all' ? listed : whose, trained: new Set() }
  }
  const dataset = await openDataset(root, { layout, name: own, list, depthScale, withoutDepth })
  const listed = list === undefined ? null : `list ${basename(list)}`
  const name = basename(resolve(path))
  const { rule, recipe, isStated } = await holdOutOf(name, options)
  if (!rule) {
    if (split === undefined || split === 'all') return { dataset, split: listed, trained: new Set() }
    throw new DarError(
      `the recipe ${recipe} has no hold-out of a folder named ${name}; leave --split out, or name another --recipe`,
    )
  }
  // A folder of that name may be another set, of which the rule says nothing: only who asks for a side hears that.
  const sides = split === undefined || split === 'all' ? sidesOf(dataset.names, rule) : splitNames(dataset.names, rule)
  const side = split ?? (isStated && sides && list === undefined ? 'test' : 'all')
  const trained = new Set(isStated ? sides?.train : [])
  if (side === 'all' || !sides) return { dataset, split: listed, trained }
  const chosen = subsetOf(dataset, sides[side])
  const text = `${side} side of ${recipe}${split === undefined ? ', --split all for all frames' : ''}`
  return { dataset: chosen, split: text, trained }
}

/** The hold-out of the data of this name, of the recipe that is given, or that the model was trained by. */
async function holdOutOf(name: string, { recipe: given, model }: EvalDataOptions) {
  const stated = model === undefined ? null : await recipeOf(model)
  const recipe = given ?? stated ?? 'dar-nano'
  const source = (await loadRecipe(recipe)).data.find((one) => one.kind === 'dataset' && one.name === name)
  const rule = source?.kind === 'dataset' ? (source.split ?? null) : null
  return { rule, recipe, isStated: model !== undefined && (given !== undefined || stated !== null) }
}

/** The recipe that a model file says it was trained by, if it is one of the package's; null else. */
async function recipeOf(model: string): Promise<string | null> {
  const { recipe } = (await readHeader(resolveModelPath(model))).metadata
  return recipe !== undefined && ownRecipes().includes(recipe) ? recipe : null
}

function sidesOf(names: readonly string[], rule: SplitRule): Split | null {
  try {
    return splitNames(names, rule)
  } catch (error) {
    if (error instanceof DarError) return null
    throw error
  }
}

/** A folder of data sets is none itself: whatever a reader found in it would be a part of one of them. */
async function refuseSeveral(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  const isSet = (folder: string) => existsSync(join(path, folder, 'rgb')) && existsSync(join(path, folder, 'depth'))
  const sets = entries.filter((entry) => entry.isDirectory() && isSet(entry.name)).map((entry) => entry.name)
  if (sets.length > 1)
    throw new DarError(
      `${path} holds ${sets.length} data sets (${sets.slice(0, 5).join(', ')}${sets.length > 5 ? ', …' : ''}); give one of them, for example ${join(path, sets[0])}`,
    )
}
