/** Finds the stage and the shape of an update. Arithmetic on a recipe's stages. */
import type { Provider } from '../runtime/protocol.ts'
import { DarError } from '../support/errors.ts'
import type { Recipe, Shape, Stage } from './recipe.ts'
import type { Overlap } from './staged-step.ts'

/** Updates of all stages. */
export function totalUpdates({ stages }: Recipe): number {
  return stages.reduce((sum, stage) => sum + stage.updates, 0)
}

/** Throws a DarError when so many ranks cannot train the recipe on this device, or not with this overlap. */
export function refuseUnshareable(
  recipe: Recipe,
  {
    ranks,
    overlap,
    device = 'cpu',
  }: { readonly ranks: number; readonly overlap: Overlap | null; readonly device?: Provider },
): void {
  const { name, stages } = recipe
  refuseUnequalShares(recipe, ranks)
  if (device === 'webgpu' && ranks > 1)
    throw new DarError('several processes train on the CPU only; leave --device out')
  if (ranks > 1 && stages.some(({ cacheFeatures }) => cacheFeatures))
    throw new DarError(`recipe ${name}: cacheFeatures is for one process; leave it out, or train in one`)
  if (overlap && device !== 'cpu') throw new DarError(`overlap is for the CPU, not ${device}; leave it out`)
  if (overlap && stages.some(({ accumulate = 1 }) => accumulate > 1))
    throw new DarError(
      `recipe ${name}: overlap keeps the values of one pass, and accumulate makes several; leave one of them out`,
    )
}

/** Throws a DarError when a batch cannot be shared out to so many ranks equally. */
export function refuseUnequalShares({ name, stages }: Recipe, ranks: number): void {
  for (const [i, { batch, accumulate = 1 }] of stages.entries()) {
    if (batch % (ranks * accumulate) === 0) continue
    const parts = accumulate === 1 ? '' : ` of ${accumulate} parts each`
    throw new DarError(
      `recipe ${name}: stage ${i + 1} has batches of ${batch}, which ${ranks} processes${parts} cannot share equally; ` +
        'start another number of processes, or change the batch',
    )
  }
}

/** Values of the largest array that the engine indexes. */
const MOST_VALUES = 2 ** 31 - 1

/** Throws a DarError for a batch of more pictures than one array can hold, which nothing could compute. */
export function refuseTooLarge({ name, stages }: Recipe, ranks: number): void {
  for (const [i, stage] of stages.entries()) {
    const images = stage.batch / (ranks * (stage.accumulate ?? 1))
    for (const { width, height } of shapesOf(stage)) {
      const most = Math.floor(MOST_VALUES / (3 * width * height))
      if (images <= most) continue
      throw new DarError(
        `recipe ${name}: stage ${i + 1} computes ${images} images of ${width}x${height} at once, and one array holds ${most}; make the batch smaller`,
      )
    }
  }
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

/** The cycle of shapes that consecutive updates go through. */
function cycleOf({ height, width, portraitEvery, also = [] }: Stage): readonly Shape[] {
  const own = { height, width }
  if (portraitEvery === undefined) return [own, ...also]
  return [...Array<Shape>(portraitEvery - 1).fill(own), { height: width, width: height }]
}

const placeOf = ({ height, width }: Shape, shapes: readonly Shape[]): number =>
  shapes.findIndex((one) => one.height === height && one.width === width)
