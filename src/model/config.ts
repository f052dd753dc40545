/**
 * The configuration of a model: plain data, validated at the edge (algorithm section 1). Names are the JSON names of
 * checkpoints and reference fixtures. Defaults are the paper's choices on the small encoder; presets are in presets.ts.
 */
import { z } from 'zod'
import { DarError } from '../support/errors.ts'

const positive = z.number().int().positive()
const size = z.tuple([positive, positive])

/** Groups of the norm inside a head. */
export const NORM_GROUPS = 8
const DPT_DEFAULTS = { dptOutput: 'metric', dptResize: 'half-pixel', dptNorm: false } as const

/** The schema of a config, with its defaults. */
export const configSchema = z
  .strictObject({
    /**
     * The head on the neck: `dar` (the paper), its ablations `transformer` and `bins`, or the baselines `dpt`, `dorn`
     * and `ord2seq` (algorithm section 12), which have no steps.
     */
    head: z.enum(['dar', 'transformer', 'bins', 'dpt', 'dorn', 'ord2seq']).default('dar'),

    encoder: z.enum(['vit', 'mobilenetv2']).default('vit'),
    /** Channel multiplier of mobilenetv2. */
    encoderMultiplier: z.number().positive().default(1),
    /** This field and those up to `taps` are for `vit`. */
    encoderWidth: positive.default(384),
    encoderDepth: positive.default(12),
    encoderHeads: positive.default(6),
    patch: positive.default(14),
    stem: z.enum(['patch', 'conv']).default('patch'),
    /** Grid of the stored position table. */
    posGrid: size.default([37, 37]),
    layerScale: z.boolean().default(true),
    /** Tapped blocks, counted from 0. null: those at a quarter, a half, three quarters and all of the depth. */
    taps: z.tuple([z.int(), z.int(), z.int(), z.int()]).nullable().default(null),

    neckFeatures: positive.default(64),
    neckChannels: z.tuple([positive, positive, positive, positive]).default([48, 96, 192, 384]),
    memoryWidth: positive.default(384),

    layers: positive.default(3),
    width: positive.default(384),
    heads: positive.default(6),
    longSkip: z.boolean().default(true),
    position: z.boolean().default(true),
    level: z.boolean().default(true),
    form: z.enum(['cached', 'masked', 'unmasked']).default('cached'),
    /**
     * A LayerNorm before the transformer's last projection. Without it y_out is unbounded, and h, which is a tanh of
     * it, saturates at ordinary learning rates. The paper's formula has no norm, so the default is off.
     */
    finalNorm: z.boolean().default(false),
    /**
     * a ← a/√(mean_c a² + ε) before h = tanh(a). `finalNorm` bounds only the input of the last projection. The weights
     * of that projection, and of the one to h, grow in training until most of h is ±1 and passes no gradient. This norm
     * prevents that.
     */
    hiddenNorm: z.boolean().default(false),
    /**
     * What a step gets from the one before: r_k, made from the GRU's state (the paper), or y_out^k, which bypasses the
     * bins (the authors' release; the predicted depth then never reaches the transformer).
     */
    feedback: z.enum(['token-map', 'y-out']).default('token-map'),

    steps: positive.default(5),
    /** Explicit token-map sizes, coarse to fine; null: halved from the memory grid. */
    sizes: z.array(size).nullable().default(null),
    /** The last token map is the memory grid divided by this, rounded up. Earlier maps are halved from there. */
    finest: positive.default(1),
    bins: positive.default(16),
    gruWidth: positive.default(96),
    /**
     * The grid of bins, states and depth maps: the memory grid; for each step the grid of its token map; or, with
     * `halved`, the memory grid halved K−k times at step k, whatever the sizes of the token maps. A window that was cut
     * on a coarse grid stays wrong inside its cells, so hard windows get worse with the last two. The soft tree does
     * not, and its five steps then cost 4/3 of one.
     */
    binGrid: z.enum(['memory', 'step', 'halved']).default('memory'),
    /**
     * How the bins of a step follow from the step before. `paper`, `neighbourhood`, `elastic` and `fixed` cut a new
     * window; `soft` keeps every branch of one tree and re-weighs it (soft-tree.ts). `soft` does not use `bins` and
     * `expand`.
     */
    window: z.enum(['paper', 'neighbourhood', 'elastic', 'fixed', 'soft']).default('paper'),
    /** With `soft`: the number of bins of the last step, N_K. Each earlier step has half of the next. */
    leaves: positive.default(64),
    /** With `soft`: one more re-weighing, on path1's grid at a quarter of the image. Its map is the output. */
    fine: z.boolean().default(false),
    /**
     * With `fine`: a last convolution at the image's own size, which moves edges to where they are in the photo.
     */
    detail: z.boolean().default(false),
    /** Bins added on each side of the chosen one. */
    expand: z.number().int().nonnegative().default(1),
    context: z.boolean().default(false),
    /**
     * How much of the memory a step's context shows: all of it, or the memory pooled to the size of the step's token
     * map. With the latter, detail reaches the bins in the order of the token maps, so a step can add to the one
     * before.
     */
    contextGrid: z.enum(['memory', 'step']).default('memory'),
    upsample: z.enum(['bilinear', 'convex']).default('bilinear'),
    /** Factors of the K terms of the loss; null: all 1. */
    stepWeights: z.array(z.number().nonnegative()).nullable().default(null),
    /** Metres. */
    dMin: z.number().positive().default(0.1),
    dMax: z.number().positive().default(10),
    /** Bins of the dorn head. */
    ordinalBins: positive.default(68),
    /**
     * For the dpt head: metres below dMax, or inverse depth without a unit, as in the public relative Depth Anything.
     */
    dptOutput: z.enum(['metric', 'relative']).default('metric'),
    /**
     * For the dpt head: `half-pixel` is algorithm section 12. `corners` is Depth Anything's own arithmetic, which its
     * public weights need: resizes with aligned corners, and a last fusion that doubles its map.
     */
    dptResize: z.enum(['half-pixel', 'corners']).default('half-pixel'),
    /**
     * For the dpt head: a GroupNorm of 8 groups after its first convolution. Without it, on an encoder without a final
     * norm (mobilenetv2), the sigmoid starts saturated and the head learns nothing.
     */
    dptNorm: z.boolean().default(false),
  })
  .superRefine((c, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (c.longSkip && c.layers % 2 === 0)
      problem('layers', `long skips pair the blocks around a middle one, so ${c.layers} layers must be odd`)
    for (const field of ['dptOutput', 'dptResize', 'dptNorm'] as const)
      if (c.head !== 'dpt' && c[field] !== DPT_DEFAULTS[field])
        problem(field, `${c[field]} is of the dpt head, not of ${c.head}`)
    if (c.dptNorm && Math.floor(c.neckFeatures / 2) % NORM_GROUPS !== 0)
      problem(
        'dptNorm',
        `its groups divide half of neckFeatures = ${c.neckFeatures} only when that is a multiple of ${NORM_GROUPS}`,
      )
    if (c.contextGrid === 'step' && !c.context) problem('contextGrid', 'step needs context: true')
    if (c.finest > 1 && c.sizes) problem('finest', 'has no meaning beside explicit sizes; leave one of them out')
    if (c.window === 'soft') {
      const branches = 2 ** (c.steps - 1)
      if (!usesBins(c)) problem('window', `soft is a tree of bins, and ${c.head} has none`)
      if (c.leaves % branches !== 0)
        problem('leaves', `must be a multiple of ${branches}: each of ${c.steps} steps has half the bins of the next`)
      if (c.fine && c.upsample === 'convex') problem('upsample', 'convex and fine are both a last map; choose one')
    } else if (c.fine) problem('fine', 'needs window: soft')
    if (c.fine && c.neckFeatures % 16 !== 0) problem('neckFeatures', 'must be a multiple of 16 for fine (group norm)')
    if (c.detail && !c.fine) problem('detail', 'needs fine: true')
    if (c.stepWeights && c.stepWeights.length !== (hasSteps(c) ? c.steps : 1))
      problem('stepWeights', `must name ${hasSteps(c) ? c.steps : 1} factors, one per term of the loss`)
    if (c.dMin >= c.dMax) problem('dMax', `must be above dMin = ${c.dMin}`)
    if (c.encoderWidth % c.encoderHeads !== 0) problem('encoderHeads', `must divide encoderWidth = ${c.encoderWidth}`)
    if (c.width % c.heads !== 0) problem('heads', `must divide width = ${c.width}`)
    if (c.memoryWidth % 16 !== 0) problem('memoryWidth', 'must be a multiple of 16 (group norm, position code)')
    if (c.sizes && c.sizes.length !== c.steps) problem('sizes', `must name ${c.steps} sizes, one per step`)
    // Four taps are four blocks, whether named or spread over the depth.
    const ascending = c.taps?.every((tap, i, taps) => tap > (i === 0 ? -1 : taps[i - 1]) && tap < c.encoderDepth)
    if (c.encoder === 'vit' && c.encoderDepth < 4) problem('encoderDepth', 'must be 4 or more, one block for each tap')
    else if (c.encoder === 'vit' && ascending === false)
      problem('taps', `must be four blocks in ascending order, from 0 to ${c.encoderDepth - 1}`)
    if (c.stem === 'conv' && 2 ** Math.round(Math.log2(c.patch)) !== c.patch)
      problem('patch', 'a convolutional stem needs a power of two')
  })

/** A whole config: every field, defaults filled in. */
export type DarConfig = z.output<typeof configSchema>

/** Checks a config from outside; `source` names the file in the error. Fields left out take their defaults. */
export function parseConfig(value: unknown, source = 'config'): DarConfig {
  const result = configSchema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`)
  throw new DarError(`${source}: ${problems.join('; ')}`)
}

type Headed = Pick<DarConfig, 'head'>
/** Whether the head has a transformer. */
export const usesTokens = ({ head }: Headed): boolean => head === 'dar' || head === 'transformer'
/** Whether the head has bins. */
export const usesBins = ({ head }: Headed): boolean => head === 'dar' || head === 'bins'
/** Whether the head predicts coarse to fine. */
export const hasSteps = (config: Headed): boolean => usesTokens(config) || usesBins(config)
/** Whether the bins are the tree with all branches alive. */
export const isSoft = (config: DarConfig): boolean => usesBins(config) && config.window === 'soft'

/** Whether depth maps are metres; else they are inverse depth of unknown scale and shift. */
export const isMetric = ({ dptOutput }: DarConfig): boolean => dptOutput === 'metric'

/** How many depth maps a model gives, coarse to fine: K, or 1 for a head without steps. */
export const mapCount = (config: DarConfig): number => (hasSteps(config) ? config.steps : 1)

/**
 * What H and W of an image must be multiples of. MobileNetV2 takes any size, its padding rounds up; below multiples of 16 its maps
 * would no longer lie on each other.
 */
export function imageMultiple(config: DarConfig): number {
  return config.encoder === 'vit' ? config.patch : 16
}
