/**
 * Fine-tuning for somebody with a few photos and a depth camera: looks at the folder, refuses what cannot work, trains, and shows on
 * frames that it never trained on what was gained.
 */
import { basename, dirname, join, relative, resolve } from 'node:path'
import {
  type Dataset,
  inspectDataset,
  layoutTakes,
  openDataset,
  recognise,
  viewScale,
  wholeView,
} from '../data/index.ts'
import { imageMultiple } from '../model/index.ts'
import { encodePngRgb } from '../node/index.ts'
import { openModel } from '../node/model-file.ts'
import { DarError } from '../support/errors.ts'
import { writeFileAtomically } from '../support/files.ts'
import { bestModelPath, type Recipe, type TrainOptions, type TrainResult, train } from '../train/index.ts'
import { resolveData } from '../train/sources.ts'
import { type ComparedFigures, comparisonPicture, type Judgement, judgeModel } from './compare.ts'
import { finetuneRecipe, networkSizes, type Starting } from './plan.ts'
import { judgeFolder } from './suitability.ts'

/** More frames than these are judged by a sample. */
const INSPECTED = 400
const PICTURES = 2

/** What `planFinetune` needs to know. */
export interface PlanOptions {
  /** The model to start from: a shipped name, or a file. */
  readonly from: string
  /** Units of the depth files per metre, where the layout leaves them open. */
  readonly depthScale?: number
  /** Called after every frame that was looked at. */
  readonly onProgress?: (done: number, total: number, frame: string) => void
}

/** What will be done. */
export interface FinetunePlan {
  readonly recipe: Recipe
  /** The folder that the recipe's data paths are relative to. */
  readonly data: string
  /** The file of the model that it starts from. */
  readonly weights: string
  readonly warnings: readonly string[]
}

/**
 * Looks at a folder and says how to fine-tune on it. Throws a DarError with every reason why it cannot work, or when the folder or the
 * model is not there.
 */
export async function planFinetune(
  folder: string,
  { from, depthScale, onProgress }: PlanOptions,
): Promise<FinetunePlan> {
  const { name, path: weights, config, size, trainedSizes } = await openModel(from, { mapAbove: 0 })
  const model: Starting = { name, config, size, trainedSizes, multiple: imageMultiple(config) }
  const asked = resolve(folder)
  const { layout, path } = await recognise(asked)
  const options = {
    layout,
    ...(depthScale !== undefined && { depthScale }),
    ...(layoutTakes(layout, 'withoutDepth') && { withoutDepth: 'drop' as const }),
  }
  const dataset = await openDataset(path, { ...options, name: basename(asked) })
  const { inspection } = await inspectDataset(dataset, { limit: INSPECTED, onProgress })
  const sizes = networkSizes(inspection, model)
  const scale = await lensScale(dataset)
  const network = sizes[0] ?? model.size
  const { reasons, warnings } = judgeFolder(inspection, { name, config, network, scale })
  if (reasons.length > 0) throw new DarError(`${folder} cannot fine-tune ${name}: ${reasons.join('; ')}`)
  const data = dirname(asked)
  const source = { name: basename(asked), path: relative(data, path), names: dataset.names, options }
  return { recipe: finetuneRecipe(model, source, sizes), data, weights, warnings }
}

/** Canonical metres per metre of the first frame that can be read; 1 without one. */
async function lensScale(dataset: Dataset): Promise<number> {
  for (let i = 0; i < Math.min(dataset.length, 5); i++) {
    try {
      const frame = await dataset.get(i)
      return viewScale(frame, wholeView(frame, frame.image.width, frame.image.height))
    } catch (error) {
      if (!(error instanceof DarError)) throw error // the inspection has counted it
    }
  }
  return 1
}

/** How a plan is carried out. */
export interface FinetuneOptions
  extends Pick<
    TrainOptions,
    | 'settings'
    | 'resume'
    | 'force'
    | 'skipBad'
    | 'minutes'
    | 'threads'
    | 'device'
    | 'precision'
    | 'loading'
    | 'pictures'
    | 'signal'
    | 'onEvent'
  > {
  /** Folder for the model, the log, the recipe and the pictures. */
  readonly out: string
}

/** What came of it. */
export interface Finetuned {
  readonly run: TrainResult
  /** Null when the run was interrupted. */
  readonly compared: Compared | null
}

/** The model before and after. */
export interface Compared {
  /** The best model by the frames that choose; the one that was started from, when none was better. */
  readonly model: string
  /** Frames held out, which neither trained nor chose. */
  readonly images: number
  readonly before: ComparedFigures
  readonly after: ComparedFigures
  /** PNG files: photo, truth, before, after. */
  readonly pictures: readonly string[]
}

/**
 * Trains, then compares. An interrupted run is not compared: `resume` goes on with it. Also writes recipe.mjs, by which `dar eval --recipe`
 * knows the frames held out. Throws a DarError as `train`.
 */
export async function finetune(
  { recipe, data, weights }: FinetunePlan,
  { out, ...options }: FinetuneOptions,
): Promise<Finetuned> {
  const { validation, choosing } = await resolveData(recipe, data)
  const frames = validation.find(({ name }) => !choosing.includes(name))
  if (!frames) throw new DarError(`${recipe.name} holds no frame out to report figures on; give its data set a split`)
  const run = await train(recipe, { ...options, out, data, weights: options.resume ? undefined : weights })
  await writeFileAtomically(join(out, 'recipe.mjs'), recipeText(recipe))
  if (run.reason === 'interrupted') return { run, compared: null }
  const { threads } = options
  const shown = spread(frames.length, PICTURES)
  const model = bestModelPath(out)
  const before = await judgeModel(weights, frames, { shown, threads })
  const after = await judgeModel(model, frames, { shown, threads })
  const pictures = await writePictures(join(out, 'held-out'), frames, shown, before, after)
  const compared = { model, images: after.images, before: before.figures, after: after.figures, pictures }
  return { run, compared }
}

/** A module that `dar train` and `dar eval --recipe` read. */
const recipeText = (recipe: Recipe) =>
  `// Written by dar finetune.\nexport default ${JSON.stringify(recipe, null, 2)}\n`

/** `count` indices below `length`, away from both ends. */
const spread = (length: number, count: number): number[] =>
  Array.from({ length: Math.min(length, count) }, (_, i) => Math.floor(((i + 0.5) * length) / Math.min(length, count)))

async function writePictures(
  folder: string,
  frames: Dataset,
  shown: readonly number[],
  before: Judgement,
  after: Judgement,
): Promise<string[]> {
  const paths: string[] = []
  for (const [i, index] of shown.entries()) {
    const frame = await frames.get(index)
    const [was, is] = [before.maps.get(frame.name), after.maps.get(frame.name)]
    if (!was || !is) continue
    const path = join(folder, `${i + 1}.png`)
    await writeFileAtomically(path, await encodePngRgb(comparisonPicture(frame, was, is)))
    paths.push(path)
  }
  return paths
}
