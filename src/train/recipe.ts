/**
 * A training run as data. A recipe file exports one as its default. Paths of data are relative to the folder given by
 * `--data`, so that a recipe works on every machine.
 *
 * The schemas are the only definition: the types come from them, and each part belongs to the code that it configures (loss,
 * augmentation, readers, …). Recipes are written by people, so a misspelt field or a size that the encoder cannot take
 * shows in the first second, not when its stage begins two hours later.
 */
import { z } from 'zod'
import { augmentationSchema, openSchema, splitSchema } from '../data/index.ts'
import { configSchema, imageMultiple, isMetric, lossSchema } from '../model/index.ts'
import { DarError } from '../support/errors.ts'
import { issueText } from '../support/issues.ts'
import { augmentationProblems, freezesEncoder } from './cacheable.ts'
import { distilSchema } from './distil.ts'
import { BEST_METRICS } from './keep.ts'
import { adamSchema } from './optimiser.ts'
import { scheduleSchema } from './schedule.ts'

const count = z.int().positive()
/** Share of the training stream, relative to the other sources. */
const weight = z.number().positive()

/** How a data set is read: its layout (default: what it looks like), official side, split file, … */
const datasetOptions = openSchema.omit({ name: true })
/** How a data set is read. */
export type DatasetOptions = Readonly<z.infer<typeof datasetOptions>>

/** A data set in any layout that `openDataset` reads: a folder of your own, NYU Depth v2, KITTI, SUN RGB-D, … */
const datasetSchema = z.strictObject({
  kind: z.literal('dataset'),
  name: z.string().min(1),
  /** Relative to the data folder, like the `list` of the options. */
  path: z.string(),
  weight,
  options: datasetOptions.optional(),
  /** Which frames are held out; they become a validation set of this name, unless their depth is a teacher's. */
  split: splitSchema.optional(),
  /**
   * Which frames of those that `split` leaves to training are taken out of it, too, for `best` to choose by. What is reported, `split`
   * or `validation`, must not choose.
   */
  choose: splitSchema.optional(),
  /** Or: what to validate on, as options that differ from those above, for instance `{ side: 'test' }`. */
  validation: datasetOptions.optional(),
  /**
   * The depth is what another network said of photos that nobody measured. It is trusted up to scale and shift of inverse depth. Its
   * images take part in one term of the loss only, `loss.teacher`, which every stage must then weigh. Default false.
   */
  teacher: z.boolean().optional(),
})
/** A data set in any layout that `openDataset` reads. */
export type DatasetData = Readonly<z.infer<typeof datasetSchema>>

/** Procedural rooms, rendered while training. */
const roomsSchema = z.strictObject({
  kind: z.literal('rooms'),
  /** Default `rooms`. A recipe may have plain rooms beside furnished ones, under another name. */
  name: z.string().min(1).optional(),
  seed: z.int(),
  weight,
  /** Pixels that scenes are rendered at. */
  width: count,
  height: count,
  /** How often a scene is used, on average, each time augmented anew. */
  reuse: z.number().min(1).optional(),
  /** Folder of furniture catalogues, relative to the data folder; default: scenes furnish themselves. */
  furniture: z.string().min(1).optional(),
  /** How many scenes of another seed to validate on; default none. */
  validation: z.int().min(0).optional(),
})
/** Procedural rooms. */
export type RoomsData = Readonly<z.infer<typeof roomsSchema>>

/** Pixels of the network's input; multiples of what the encoder takes (`imageMultiple`). */
const shapeSchema = z.strictObject({ height: count, width: count })
/** Pixels of the network's input. */
export type Shape = Readonly<z.infer<typeof shapeSchema>>

const stageSchema = z.strictObject({
  ...shapeSchema.shape,
  /** Images per update. */
  batch: count,
  /**
   * The batch is computed in this many parts, one after the other, which divide it: a larger batch in the same memory. Loss and
   * gradient are those of the whole batch to rounding, at the price of a second forward pass. Default 1.
   */
  accumulate: count.optional(),
  /**
   * Stochastic depth in the encoder: every image skips the branches of its residual blocks at random, the last block's with this
   * probability, the first block's never (nn/drop-path.ts). Never in validation and prediction. Default 0.
   */
  dropPath: z.number().min(0).lt(1).optional(),
  /**
   * Compute the encoder's features of every frame once, keep them on disk in the folder of the run, and train what stands on them. Takes a
   * frozen encoder and pictures that are the same every time, whole frames as in prediction (features.ts). Default false.
   */
  cacheFeatures: z.boolean().optional(),
  updates: count,
  /** Every n-th update sees portrait crops, height and width exchanged; default: none. */
  portraitEvery: count.min(2).optional(),
  /**
   * More shapes, which the updates take in turn with the stage's own: [own, …also], repeated. A shape listed twice
   * comes twice. A model that has seen only one size predicts wrong metres at another. Excludes `portraitEvery`.
   */
  also: z.array(shapeSchema).min(1).readonly().optional(),
  /** Images that validation predicts at once, at this stage's size; default 4. */
  validationBatch: count.optional(),
  /** Replaces the recipe's augmentation. For example, a last stage may show frames more as they will be predicted. */
  augmentation: augmentationSchema.optional(),
  /** λ, the weights of edges and of a teacher's images; default: the paper's loss. */
  loss: lossSchema.optional(),
})
/** A part of a run with one size, or mix of sizes, of images. */
export type Stage = Readonly<z.infer<typeof stageSchema>>

/** Heads whose loss is not of a depth map: its gradient ends at their classes. */
const OWN_LOSS: readonly string[] = ['dorn', 'ord2seq']

const KINDS = 'must be dataset (folders of your own, too) or rooms'

/** The whole recipe. */
export const recipeSchema = z
  .strictObject({
    /** Also the name of the folder in runs/. A checkpoint belongs to the recipe of its name. */
    name: z.string().regex(/^\w[\w.-]*$/, 'must be letters, digits, ".", "_" and "-"'),
    /** What it is for, the expected figure, the time and the hardware, for people. */
    summary: z.string(),
    expected: z.string(),
    /**
     * Flat fields of a config, or a preset, or a preset spread and changed by flat fields. TypeScript wants it parsed:
     * `parseConfig({ ...PRESETS['dar-nano'], leaves: 32 })`.
     */
    model: configSchema,
    /** Of the starting weights, the order of the data and its augmentation. */
    seed: z.int(),
    data: z
      .array(z.discriminatedUnion('kind', [datasetSchema, roomsSchema], { error: KINDS }))
      .min(1)
      .readonly(),
    augmentation: augmentationSchema.optional(),
    /** Image sizes from small to large; the schedule runs over all of them. */
    stages: z.array(stageSchema).min(1).readonly(),
    /** A larger model whose depth this one also learns, on all images (distil.ts). Default: none. */
    distil: distilSchema.optional(),
    schedule: scheduleSchema,
    optimiser: adamSchema,
    /**
     * Computes what the gradient needs of the blocks of the network a second time instead of keeping it: less memory, more time, the
     * same losses (`Graph.checkpoint`). It may change between the sessions of a run. Default false.
     */
    gradientCheckpointing: z.boolean().optional(),
    /** Updates between validations. */
    validateEvery: count,
    /** Minutes between checkpoints; 0: one after every update. */
    checkpointMinutes: z.number().min(0),
    /** Checkpoints that stay: the last and those before it, as checkpoint-<updates>.safetensors. Default 1. */
    keepCheckpoints: count.optional(),
    /**
     * Keeps model-best.safetensors: the model of the validation with the best mean of this figure over the frames that `choose` of the
     * data sets takes out. Default: the model of the last update only.
     */
    best: z.enum(BEST_METRICS).optional(),
    /**
     * Ends the run after this many validations in a row without a new best. The weights that the run starts from are validated too,
     * before the first update, so that the best model is never worse than they by the frames that choose. Default: all updates are done.
     */
    patience: count.optional(),
  })
  .superRefine(({ data, model, stages, best, patience, distil, augmentation, optimiser }, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    const multiple = imageMultiple(model)
    if (!isMetric(model)) problem(['model', 'dptOutput'], 'relative depth has no loss here; train a metric one')
    if (model.head.kind === 'dpt' && model.encoder.kind === 'mobilenetv2' && !model.head.norm)
      problem(
        ['model', 'dptNorm'],
        'is false; a dpt head on mobilenetv2, whose taps no norm bounds, is dead from its first update without it: set it to true',
      )
    stages.forEach((stage, i) => {
      if (stage.batch % (stage.accumulate ?? 1) !== 0)
        problem(
          ['stages', i, 'accumulate'],
          `is ${stage.accumulate}, which does not divide the batch of ${stage.batch}`,
        )
      if (stage.cacheFeatures) {
        const cannot = (what: string) => problem(['stages', i, 'cacheFeatures'], what)
        if (!freezesEncoder(optimiser.multipliers))
          cannot("needs a frozen encoder; set optimiser.multipliers to { 'encoder.': 0 }")
        const moving = augmentationProblems(stage.augmentation ?? augmentation)
        if (moving.length > 0)
          cannot(`needs pictures that are the same every time; set in the augmentation ${moving.join(', ')}`)
        if (data.some(({ kind }) => kind === 'rooms')) cannot('takes data sets only: rooms never come again')
        if (stage.dropPath) cannot('has no encoder whose branches dropPath could skip; leave dropPath out')
        if (distil) cannot('has no pictures that a teacher could look at; leave distil out')
        if (stage.portraitEvery) cannot('takes whole frames, and portraitEvery cuts them; leave portraitEvery out')
      }
      if (stage.portraitEvery && stage.also)
        problem(['stages', i, 'also'], 'and portraitEvery are two ways to mix shapes; give one of them')
      for (const shape of [stage, ...(stage.also ?? [])])
        for (const side of ['height', 'width'] as const)
          if (shape[side] % multiple !== 0)
            problem(['stages', i, side], `is ${shape[side]}, but ${model.encoder.kind} takes multiples of ${multiple}`)
    })
    data.forEach((one, i) => {
      if (one.kind === 'dataset' && one.split && one.validation)
        problem(['data', i], 'has both a split and a validation; give one of the two')
    })
    const choosing = data.some((one) => one.kind === 'dataset' && one.choose)
    if (best !== undefined && !choosing)
      problem(['best'], `is ${best}, but no data set says by which frames: give one a choose, such as { kind: 'tail' }`)
    if (patience !== undefined && best === undefined)
      problem(['patience'], `is ${patience}, but the recipe has no best to wait for; give it one, such as abs_rel`)
    data.forEach((one, i) => {
      if (one.kind !== 'dataset' || !one.choose) return
      if (best === undefined)
        problem(['data', i, 'choose'], 'takes frames out to choose by, but the recipe has no best')
      if (one.teacher)
        problem(['data', i, 'choose'], "cannot be of a teacher's depth, which is not the truth; leave it out")
    })
    const taught = data.flatMap((one) => (one.kind === 'dataset' && one.teacher ? [one.name] : []))
    data.forEach((one, i) => {
      if (one.kind === 'dataset' && one.teacher && one.validation)
        problem(['data', i, 'validation'], "cannot be a teacher's depth, which is not the truth; leave it out")
    })
    if (taught.length === data.length)
      problem(['data'], "has a teacher's depth only, which has no scale; add a set with measured depth, or rooms")
    if (taught.length > 0 && OWN_LOSS.includes(model.head.kind))
      problem(['model', 'head'], `is ${model.head.kind}, which learns from no teacher; leave ${taught.join(', ')} out`)
    if (distil && OWN_LOSS.includes(model.head.kind))
      problem(['model', 'head'], `is ${model.head.kind}, which learns from no teacher; leave distil out`)
    stages.forEach(({ loss }, i) => {
      const path = ['stages', i, 'loss', 'teacher']
      if (taught.length > 0 && loss?.teacher === undefined)
        problem(path, `is missing, but the depth of ${taught.join(', ')} is a teacher's; give its weight, such as 0.1`)
      if (taught.length === 0 && loss?.teacher !== undefined)
        problem(
          path,
          'weighs a teacher, but no data set has teacher: true; mark the one that is, or leave the weight out',
        )
      if (loss?.teacherFit !== undefined && loss.teacher === undefined)
        problem(['stages', i, 'loss', 'teacherFit'], 'says how a teacher is believed, but there is none; leave it out')
    })
    const names = data.map(nameOfData)
    names.forEach((name, i) => {
      if (names.indexOf(name) < i) problem(['data', i], `is the second data set named ${name}; names must differ`)
    })
  })

/** The name of one of a recipe's data; only rooms may leave it out. */
export const nameOfData = ({ name = 'rooms' }: { readonly name?: string }): string => name

/** A training run as data: the model, what it is shown, and for how long. */
export type Recipe = Readonly<z.infer<typeof recipeSchema>>

/**
 * Checks a recipe and fills in the model config's defaults. Throws a DarError naming `source` and every field that is
 * wrong.
 */
export function parseRecipe(value: unknown, source: string): Recipe {
  const result = recipeSchema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => issueText(issue, 'recipe'))
  throw new DarError(`${source}: ${problems.join('; ')}; docs/recipes.md says what a recipe holds`)
}
