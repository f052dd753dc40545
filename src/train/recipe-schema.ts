/**
 * A recipe checked at the edge: recipe files are written by people, and a misspelt field or a size that the encoder cannot
 * take should show in the first second, not when its stage begins two hours later. The meaning of the fields is in recipe.ts.
 */
import { z } from 'zod'
import { type Augmentation, LAYOUTS, type SplitRule } from '../data/index.ts'
import { configSchema, imageMultiple, isMetric } from '../model/index.ts'
import { DarError } from '../support/errors.ts'
import type { AdamOptions } from './optimiser.ts'
import type { DatasetOptions, Recipe, Stage } from './recipe.ts'
import type { Schedule } from './schedule.ts'

const count = z.int().positive()
const positive = z.number().positive()
const share = z.number().min(0).max(1)

const split = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('prefix'), heldOut: z.array(z.string().min(1)).min(1) }),
  z.strictObject({ kind: z.literal('tail'), fraction: positive.optional(), gap: z.int().min(0).optional() }),
  z.strictObject({
    kind: z.literal('blocks'),
    blocks: count.optional(),
    fraction: positive.optional(),
    gap: z.int().min(0).optional(),
  }),
]) satisfies z.ZodType<SplitRule>

const datasetOptions = z.strictObject({
  layout: z.enum(LAYOUTS).optional(),
  side: z.enum(['train', 'test', 'all']).optional(),
  list: z.string().optional(),
  truth: z.enum(['measured', 'filled', 'annotated', 'velodyne']).optional(),
  depthScale: positive.optional(),
  crop: z.literal('kb').optional(),
  withoutDepth: z.enum(['keep', 'drop']).optional(),
  incomplete: z.enum(['refuse', 'note']).optional(),
}) satisfies z.ZodType<DatasetOptions>

const data = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('folder'),
    name: z.string().min(1),
    path: z.string(),
    weight: positive,
    split: split.optional(),
    depthScale: positive.optional(),
  }),
  z.strictObject({
    kind: z.literal('dataset'),
    name: z.string().min(1),
    path: z.string(),
    weight: positive,
    options: datasetOptions.optional(),
    split: split.optional(),
    validation: datasetOptions.optional(),
  }),
  z.strictObject({
    kind: z.literal('rooms'),
    seed: z.int(),
    weight: positive,
    width: count,
    height: count,
    reuse: z.number().min(1).optional(),
    furniture: z.string().min(1).optional(),
    validation: z.int().min(0).optional(),
  }),
])

const augmentation = z.strictObject({
  minScale: positive.max(1).optional(),
  maxScale: positive.max(1).optional(),
  whole: share.optional(),
  stretch: z.number().min(1).optional(),
  rotation: z.number().min(0).max(45).optional(),
  mirror: share.optional(),
  colour: share.optional(),
  grey: share.optional(),
  blur: share.optional(),
  noise: share.optional(),
  resample: share.optional(),
  jpeg: share.optional(),
}) satisfies z.ZodType<Augmentation>

const shape = z.strictObject({ height: count, width: count })

const stage = z.strictObject({
  ...shape.shape,
  batch: count,
  updates: count,
  portraitEvery: count.min(2).optional(),
  also: z.array(shape).min(1).optional(),
  validationBatch: count.optional(),
  augmentation: augmentation.optional(),
  varianceFocus: share.optional(),
  edges: z.number().min(0).optional(),
}) satisfies z.ZodType<Stage>

const schedule = z.strictObject({
  rate: positive,
  initialRate: z.number().min(0),
  finalRate: z.number().min(0),
  warmup: z.int().min(0),
}) satisfies z.ZodType<Schedule>

const optimiser = z.strictObject({
  beta1: z.number().min(0).lt(1).optional(),
  beta2: z.number().min(0).lt(1).optional(),
  epsilon: positive.optional(),
  weightDecay: z.number().min(0).optional(),
  clip: positive.optional(),
  ema: z.number().min(0).lt(1).optional(),
  multipliers: z.record(z.string(), z.number().min(0)).optional(),
}) satisfies z.ZodType<AdamOptions>

const recipeSchema = z
  .strictObject({
    /** Also the name of the folder in runs/. */
    name: z.string().regex(/^\w[\w.-]*$/, 'must be letters, digits, ".", "_" and "-"'),
    summary: z.string(),
    expected: z.string(),
    model: configSchema,
    seed: z.int(),
    data: z.array(data).min(1),
    augmentation: augmentation.optional(),
    stages: z.array(stage).min(1),
    schedule,
    optimiser,
    validateEvery: count,
    checkpointMinutes: z.number().min(0),
  })
  .superRefine(({ data, model, stages }, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    const multiple = imageMultiple(model)
    if (!isMetric(model)) problem(['model', 'dptOutput'], 'relative depth has no loss here; train a metric one')
    stages.forEach((stage, i) => {
      if (stage.portraitEvery && stage.also)
        problem(['stages', i, 'also'], 'and portraitEvery are two ways to mix shapes; give one of them')
      for (const shape of [stage, ...(stage.also ?? [])])
        for (const side of ['height', 'width'] as const)
          if (shape[side] % multiple !== 0)
            problem(['stages', i, side], `is ${shape[side]}, but ${model.encoder} takes multiples of ${multiple}`)
    })
    data.forEach((one, i) => {
      if (one.kind === 'dataset' && one.split && one.validation)
        problem(['data', i], 'has both a split and a validation; give one of the two')
    })
    const names = data.map((one) => (one.kind === 'rooms' ? 'rooms' : one.name))
    names.forEach((name, i) => {
      if (names.indexOf(name) < i) problem(['data', i], `is the second data set named ${name}; names must differ`)
    })
  }) satisfies z.ZodType<Recipe>

/**
 * Checks a recipe and fills in the model config's defaults. Throws a DarError naming `source` and every field that is
 * wrong.
 */
export function parseRecipe(value: unknown, source: string): Recipe {
  const result = recipeSchema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'recipe'}: ${message}`)
  throw new DarError(`${source}: ${problems.join('; ')}`)
}
