/**
 * From a folder and a model to the recipe that fine-tunes it: little change, slowly, and no longer than it helps.
 *
 * The encoder learns a tenth as fast as the rest, because what it knows of edges and textures holds for any camera. The end of the folder is
 * held out for the figure that is reported, and the end of what is left chooses the best model and ends the run. Neighbouring frames
 * are nearly equal, so both are cut off by order, with a gap.
 */
import { type Inspection, splitNames } from '../data/index.ts'
import type { DarConfig } from '../model/index.ts'
import type { Size } from '../predict/index.ts'
import { chooseSize } from '../predict/size.ts'
import { parseRecipe, type Recipe, type Shape } from '../train/index.ts'

const HELD_OUT = { kind: 'tail', fraction: 0.2, gap: 2 } as const
const BATCH = 4
/** How often every frame is seen, unless that is fewer or more updates than these. */
const EPOCHS = 20
const UPDATES = { least: 80, most: 600 } as const
const VALIDATIONS = 14
/** Share of the photos that a size must be of to be trained at. */
const LEAST_SHARE = 0.1

/** What is known of the model. */
export interface Starting {
  readonly name: string
  readonly config: DarConfig
  readonly size: Size
  readonly trainedSizes: readonly Size[]
  readonly multiple: number
}

/** What is known of the folder. */
export interface Folder {
  /** Its own name. */
  readonly name: string
  /** Where it lies, relative to the folder that the recipe's data paths are relative to. */
  readonly path: string
  readonly names: readonly string[]
  readonly options: NonNullable<Extract<Recipe['data'][number], { kind: 'dataset' }>['options']>
}

/** The network's sizes for the photos of a folder, the commonest first. Rare ones are left out. */
export function networkSizes({ imageSizes }: Pick<Inspection, 'imageSizes'>, model: Starting): readonly Size[] {
  const counts = new Map<string, { readonly size: Size; photos: number }>()
  for (const [text, photos] of Object.entries(imageSizes)) {
    const [width, height] = text.split('x').map(Number)
    const { network } = chooseSize({ width, height }, undefined, model)
    const key = `${network.width}x${network.height}`
    const entry = counts.get(key) ?? { size: network, photos: 0 }
    entry.photos += photos
    counts.set(key, entry)
  }
  const all = [...counts.values()].sort((a, b) => b.photos - a.photos)
  const total = all.reduce((sum, { photos }) => sum + photos, 0)
  return all.filter(({ photos }, i) => i === 0 || photos >= LEAST_SHARE * total).map(({ size }) => size)
}

/** The recipe. `sizes`: what `networkSizes` gave, at least one. Throws a DarError when there are too few frames to hold some out. */
export function finetuneRecipe(model: Starting, folder: Folder, sizes: readonly Size[]): Recipe {
  const { name, path, names, options } = folder
  const left = splitNames(splitNames(names, HELD_OUT).train, HELD_OUT).train
  const wanted = Math.ceil((EPOCHS * left.length) / BATCH)
  const updates = Math.min(UPDATES.most, Math.max(UPDATES.least, wanted))
  const [own, ...also]: Shape[] = sizes.map(({ width, height }) => ({ width, height }))
  const recipe: Recipe = {
    name: `finetune-${name.replace(/[^\w.-]/g, '-')}`,
    summary: `${model.name} fine-tuned on ${left.length} of the ${names.length} frames of ${name}`,
    expected: 'abs_rel on the frames held out falls; the run says by how much',
    model: model.config,
    seed: 1,
    data: [{ kind: 'dataset', name, path, weight: 1, options, split: HELD_OUT, choose: HELD_OUT }],
    augmentation: {
      minScale: 0.85,
      whole: 0.3,
      stretch: 1.05,
      rotation: 2,
      colour: 0.5,
      grey: 0,
      blur: 0.1,
      noise: 0.1,
    },
    stages: [{ ...own, ...(also.length > 0 && { also }), batch: BATCH, updates, loss: { varianceFocus: 0.5 } }],
    schedule: { rate: 1e-4, initialRate: 1e-5, finalRate: 1e-6, warmup: Math.ceil(updates / 10) },
    optimiser: { weightDecay: 0.01, clip: 1, ema: 0.95, multipliers: { 'encoder.': 0.1 } },
    validateEvery: Math.ceil(updates / VALIDATIONS),
    checkpointMinutes: 2,
    best: 'abs_rel',
    patience: 4,
  }
  return parseRecipe(recipe, recipe.name)
}
