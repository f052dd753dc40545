/**
 * What a training run is, as data: a recipe file exports one of these as its default. Paths of data are relative to the
 * folder given by `--data`, so that a recipe means the same on every machine.
 */
import type { Augmentation, OpenOptions, SplitRule } from '../data/index.ts'
import type { DarConfig } from '../model/index.ts'
import type { AdamOptions } from './optimiser.ts'
import type { Schedule } from './schedule.ts'

/** A folder of photos and depth maps. */
export interface FolderData {
  readonly kind: 'folder'
  readonly name: string
  /** Relative to the data folder: holds rgb/ and depth/. */
  readonly path: string
  /** Share of the training stream, relative to the other sources. */
  readonly weight: number
  /** Which frames are held out; they become a validation set of this name. */
  readonly split?: SplitRule
  /** Depth units per metre; default: the folder's meta.json, else 1000. */
  readonly depthScale?: number
}

/** How a data set is read: its layout (default: what it looks like), official side, split file, … */
export type DatasetOptions = Omit<OpenOptions, 'name'>

/** A data set in the layout it was downloaded in: NYU Depth v2, KITTI, SUN RGB-D, … */
export interface DatasetData {
  readonly kind: 'dataset'
  readonly name: string
  /** Relative to the data folder, like the `list` of the options. */
  readonly path: string
  /** Share of the training stream, relative to the other sources. */
  readonly weight: number
  readonly options?: DatasetOptions
  /** Which frames are held out; they become a validation set of this name. */
  readonly split?: SplitRule
  /** Or: what to validate on, as options that differ from those above, for instance `{ side: 'test' }`. */
  readonly validation?: DatasetOptions
}

/** Procedural rooms. */
export interface RoomsData {
  readonly kind: 'rooms'
  readonly seed: number
  /** Share of the training stream, relative to the other sources. */
  readonly weight: number
  /** Pixels that scenes are rendered at. */
  readonly width: number
  readonly height: number
  /** How often a scene is used, on average, each time augmented anew. */
  readonly reuse?: number
  /** Folder of furniture catalogues, relative to the data folder; default: scenes furnish themselves. */
  readonly furniture?: string
  /** How many scenes of another seed to validate on; default none. */
  readonly validation?: number
}

/** Pixels of the network's input; multiples of what the encoder takes (`imageMultiple`). */
export interface Shape {
  readonly height: number
  readonly width: number
}

/** A part of a run with one size of images. */
export interface Stage {
  /** Pixels of the network's input; multiples of what the encoder takes (`imageMultiple`). */
  readonly height: number
  readonly width: number
  /** Images per update. */
  readonly batch: number
  readonly updates: number
  /** Every n-th update sees portrait crops, height and width exchanged; default: none. */
  readonly portraitEvery?: number
  /**
   * More shapes, which the updates take in turn with the stage's own: [own, …also], over and over; one that stands twice comes
   * twice. A model that saw one size only reads another one's metres wrongly. Not beside `portraitEvery`.
   */
  readonly also?: readonly Shape[]
  /** Images that validation predicts at once, at this stage's size; default 4. */
  readonly validationBatch?: number
  /** In place of the recipe's: a last stage may show frames more as they will be predicted. */
  readonly augmentation?: Augmentation
  /** λ of the loss, 0 to 1; default 0.85, the paper's. */
  readonly varianceFocus?: number
  /** Weight of the gradient term of the last map (`edgeTerm`), times 10 like the terms of the steps; default 0. */
  readonly edges?: number
}

/** A training run as data: the model, what it is shown, and for how long. */
export interface Recipe {
  /** Letters, digits, `.`, `_`, `-`; a checkpoint belongs to the recipe of its name. */
  readonly name: string
  /** What it is for, the expected figure, the time and the hardware, for people. */
  readonly summary: string
  readonly expected: string
  readonly model: DarConfig
  /** Of the starting weights, the order of the data and its augmentation. */
  readonly seed: number
  readonly data: readonly (FolderData | DatasetData | RoomsData)[]
  readonly augmentation?: Augmentation
  /** Image sizes from small to large; the schedule runs over all of them. */
  readonly stages: readonly Stage[]
  readonly schedule: Schedule
  readonly optimiser: AdamOptions
  /** Updates between validations. */
  readonly validateEvery: number
  /** Minutes between checkpoints; 0: one after every update. */
  readonly checkpointMinutes: number
}

/** Updates of all stages. */
export function totalUpdates({ stages }: Recipe): number {
  return stages.reduce((sum, stage) => sum + stage.updates, 0)
}

/** The stage that update `step` belongs to, and how many updates of that stage came before it. */
export function stageAt(
  { stages }: Recipe,
  step: number,
): { readonly stage: Stage; readonly index: number; readonly done: number } {
  let begin = 0
  for (const [index, stage] of stages.entries()) {
    if (step < begin + stage.updates) return { stage, index, done: step - begin }
    begin += stage.updates
  }
  throw new Error(`internal error: update ${step} is past the end of the recipe`)
}

/** The shapes that a stage trains at, its own first, each once. */
export function shapesOf(stage: Stage): readonly Shape[] {
  const cycle = cycleOf(stage)
  return cycle.filter((shape, i) => placeOf(shape, cycle) === i)
}

/** Which shape the stage's update `done` (from 0) has, and how many updates of each shape came before it. */
export function turnAt(stage: Stage, done: number): { readonly shape: number; readonly before: readonly number[] } {
  const cycle = cycleOf(stage)
  const shapes = shapesOf(stage)
  const turns = cycle.map((shape) => placeOf(shape, shapes))
  const [rounds, turn] = [Math.floor(done / cycle.length), done % cycle.length]
  const count = (list: readonly number[], shape: number) => list.filter((one) => one === shape).length
  const before = shapes.map((_, i) => rounds * count(turns, i) + count(turns.slice(0, turn), i))
  return { shape: turns[turn], before }
}

/** The shapes of consecutive updates, after which it begins again. */
function cycleOf({ height, width, portraitEvery, also = [] }: Stage): readonly Shape[] {
  const own = { height, width }
  if (portraitEvery === undefined) return [own, ...also]
  return [...Array<Shape>(portraitEvery - 1).fill(own), { height: width, width: height }]
}

const placeOf = ({ height, width }: Shape, shapes: readonly Shape[]): number =>
  shapes.findIndex((one) => one.height === height && one.width === width)
