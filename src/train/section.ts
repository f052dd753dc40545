/** What the updates of one stage use: the step's graph at each of its shapes, batches, and the validation. */
import {
  CACHE_MEGABYTES,
  createLoader,
  type Dataset,
  type Loader,
  type LoaderOptions,
  type LoadingOptions,
  type SourceSpec,
} from '../data/index.ts'
import { PREFETCH } from '../data/loader.ts'
import type { StoredFeatures } from '../data/stored-features.ts'
import type { Precision } from '../graph/index.ts'
import { dropBranches } from '../model/index.ts'
import { FURNITURE_MEGABYTES } from '../rooms/index.ts'
import type { Engine } from '../runtime/engine.ts'
import { Accumulator } from './accumulator.ts'
import { batchNumber, type Collective } from './collective.ts'
import { productsOn } from './device-notes.ts'
import type { TeacherModel } from './distil.ts'
import { prepareFeatures } from './features.ts'
import { GradientStep } from './gradient-step.ts'
import { multiplierOf } from './groups.ts'
import type { TrainingState } from './optimiser.ts'
import { Owner } from './owner.ts'
import type { Layout } from './parameters.ts'
import type { Recipe, Stage } from './recipe.ts'
import type { Overlap } from './staged-step.ts'
import { shapesOf, stageAt, turnAt } from './stages.ts'
import { Validator } from './validate.ts'

/** What belongs to one stage of the recipe: a lane for each shape, and the validator where sets are held out. */
export interface Section {
  readonly index: number
  readonly stage: Stage
  readonly lanes: readonly Lane[]
  readonly validator: Validator | null
  /** Holds everything native of the section. */
  readonly owner: Owner
}

/** The step at one shape of a stage, and its batches. */
export interface Lane {
  readonly step: GradientStep
  /** Gives micro-batches, `micros` for an update. */
  readonly loader: Loader
  readonly micros: number
}

/** Arguments that all sections share. */
export interface RunParts {
  readonly engine: Engine
  readonly recipe: Recipe
  readonly layout: Layout
  readonly state: TrainingState
  readonly data: { readonly sources: readonly SourceSpec[]; readonly validation: readonly Dataset[] }
  readonly loading: LoadingOptions
  /** Of `distil`; null without. */
  readonly teacher: TeacherModel | null
  readonly collective: Collective
  /** How much of the step of several ranks is in stages (staged-step.ts). */
  readonly overlap: Overlap | null
  /** What the products of a step compute in. */
  readonly precision: Precision
  /** Folder for the encoder's features, where a stage keeps them. */
  readonly features: string
  /** What a loader does after a frame that cannot be read. */
  readonly atUnreadable: LoaderOptions['atUnreadable']
}

/**
 * Makes the section that update `step` belongs to. Everything native belongs to its owner, and the owner to `outer`,
 * also when this fails.
 */
export async function openSection(parts: RunParts, step: number, outer: Owner): Promise<Section> {
  const { engine, recipe, layout, state, data, loading, collective, overlap, atUnreadable, teacher, precision } = parts
  const { rank, ranks } = collective
  const { stage, index, done } = stageAt(recipe, step)
  const { loss, accumulate: micros = 1, dropPath = 0 } = stage
  const batch = stage.batch / ranks / micros
  const owner = outer.hold(new Owner())
  const { before } = turnAt(stage, done)
  const shapes = shapesOf(stage)
  // What is given is for the run, and every shape has a loader.
  const cacheMegabytes = (loading.cacheMegabytes ?? CACHE_MEGABYTES) / shapes.length
  const furnitureMegabytes = FURNITURE_MEGABYTES / shapes.length
  const kept = {
    engine,
    config: recipe.model,
    layout,
    params: state.params,
    sources: data.sources,
    folder: parts.features,
  }
  const stored: (StoredFeatures | undefined)[] = []
  for (const shape of shapes) stored.push(stage.cacheFeatures ? await prepareFeatures(kept, shape) : undefined)
  // Started first, so that batches are made while the graphs are compiled.
  const loaders = shapes.map(({ height, width }, i) =>
    owner.hold(
      createLoader({
        ...loading,
        prefetch: micros * (loading.prefetch ?? PREFETCH),
        cacheMegabytes,
        furnitureMegabytes,
        sources: data.sources,
        batch,
        width,
        height,
        seed: recipe.seed + 1000 * (index + 1) + i,
        augmentation: stage.augmentation ?? recipe.augmentation,
        perUpdate: micros * ranks,
        atUnreadable,
        features: stored[i],
        draws: dropPath > 0 ? dropBranches(recipe.model) : 0,
        start: before[i] * micros,
        numberOf: (place) =>
          batchNumber({ update: Math.floor(place / micros), micro: place % micros, micros, rank, ranks }),
      }),
    ),
  )
  const frozen = (name: string) => multiplierOf(name, recipe.optimiser?.multipliers) === 0
  const accumulator = micros > 1 ? owner.hold(await Accumulator.create(engine, state.grads)) : null
  const checkpoints = recipe.gradientCheckpointing ? ('recompute' as const) : ('keep' as const)
  const products = productsOn(engine.provider, precision)
  const lanes: Lane[] = []
  for (const [i, { height, width }] of shapes.entries()) {
    const fromFeatures = stored[i] !== undefined
    const options = { height, width, batch, loss, dropPath, frozen, fromFeatures, checkpoints, products }
    const step = await GradientStep.open(engine, { config: recipe.model, layout, state }, options, {
      collective,
      accumulator,
      teacher,
      overlap,
    })
    lanes.push({ loader: loaders[i], step: owner.hold(step), micros })
  }
  const size = { height: stage.height, width: stage.width, batch: stage.validationBatch ?? 4 }
  const sets = data.validation
  // Rank 0 validates; the others wait for it at the next update.
  const validator =
    rank === 0 && sets.length > 0
      ? owner.hold(await Validator.create(engine, recipe.model, layout, state.ema, sets, size))
      : null
  return { index, stage, lanes, validator, owner }
}
