/**
 * A config as it is written in model files, recipes, presets and the reference's fixtures: one flat object, with the names of algorithm
 * section 1. This file has the fields, their defaults and which of them exclude each other. In memory a config is a `DarConfig`
 * (config.ts). The defaults are the paper's choices for the small encoder.
 *
 * A model file names every field. So it may hold fields of an encoder, window or head that is not the chosen one; these are ignored.
 * The exceptions are options of `dpt` and of the soft tree: without that head or window, any other value than the default is refused.
 */
import { z } from 'zod'
import { limitProblems } from './limits.ts'

const positive = z.number().int().positive()
const size = z.tuple([positive, positive])
const mobileStage = z.tuple([z.number().min(1), positive, positive.max(16)])

/** Groups of the norm inside a head. */
export const NORM_GROUPS = 8

type Head = FlatConfig['head']
const TOKEN_HEADS: readonly Head[] = ['dar', 'transformer']
const BIN_HEADS: readonly Head[] = ['dar', 'bins']
/** Whether a head has a transformer. */
export const headUsesTokens = (head: Head): boolean => TOKEN_HEADS.includes(head)
/** Whether a head has bins. */
export const headUsesBins = (head: Head): boolean => BIN_HEADS.includes(head)
/** Whether a head predicts coarse to fine. */
export const headHasSteps = (head: Head): boolean => headUsesTokens(head) || headUsesBins(head)

const DEFAULT_LEAVES = 64
const DPT_DEFAULTS = { dptOutput: 'metric', dptResize: 'half-pixel', dptNorm: false } as const

/** The schema of a flat config, with its defaults. */
export const flatSchema = z
  .strictObject({
    /**
     * What stands on the neck: `dar` (the paper), its ablations `transformer` and `bins`, or the baselines `dpt`, `dorn` and
     * `ord2seq` (algorithm section 12), which have no steps.
     */
    head: z.enum(['dar', 'transformer', 'bins', 'dpt', 'dorn', 'ord2seq']).default('dar'),

    encoder: z.enum(['vit', 'mobilenetv2']).default('vit'),
    /** Channel multiplier of mobilenetv2. */
    encoderMultiplier: z.number().positive().default(1),
    /** Of mobilenetv2: expansion, channels and blocks of each of its seven stages; null: the published ones. For students (scripts/student). */
    encoderStages: z.array(mobileStage).length(7).nullable().default(null),
    /** The next seven fields and `neckChannels` are the ViT's. */
    encoderWidth: positive.default(384),
    encoderDepth: positive.default(12),
    encoderHeads: positive.default(6),
    patch: positive.default(14),
    stem: z.enum(['patch', 'conv']).default('patch'),
    /** Grid of the stored position table. */
    posGrid: size.default([37, 37]),
    layerScale: z.boolean().default(true),
    /** Tapped blocks, from 0; null: a quarter, a half, three quarters and all of the depth. */
    taps: z.tuple([z.int(), z.int(), z.int(), z.int()]).nullable().default(null),

    neckFeatures: positive.default(64),
    /** Residual units of a fusion of the neck: 2 as in DPT, or 1: then a level joins as it is. */
    neckUnits: z.literal([1, 2]).default(2),
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
     * A LayerNorm before the transformer's last projection. Without it nothing bounds y_out, and the tanh that turns y_out into h
     * saturates at ordinary learning rates. The paper's formula has no such norm.
     */
    finalNorm: z.boolean().default(false),
    /**
     * a ← a/√(mean_c a² + ε) before the tanh that gives h. `finalNorm` bounds the input of the last projection only. The weights of that
     * projection and of the one to h still grow in training, until most of h is ±1 and passes no gradient. This norm prevents that.
     */
    hiddenNorm: z.boolean().default(false),
    /**
     * What a step hands to the next. `token-map`: r_k, made from the GRU's state, as in the paper. `y-out`: y_out^k, as in the authors'
     * release. With `y-out` the transformer never learns which depth the bins found.
     */
    feedback: z.enum(['token-map', 'y-out']).default('token-map'),

    steps: positive.default(5),
    /** Explicit token-map sizes, coarse to fine; null: halved from the memory grid. */
    sizes: z.array(size).nullable().default(null),
    /** The last token map is the memory grid divided by this, rounded up; the earlier ones are halved from there. */
    finest: positive.default(1),
    bins: positive.default(16),
    gruWidth: positive.default(96),
    /**
     * The grid of bins, states and depth maps. `memory`: the memory grid. `step`: each step has the grid of its token map. `halved`: step
     * k has the memory grid halved K−k times, whatever the sizes of the token maps. With windows, coarse grids cost accuracy, because
     * a window that was cut for a whole cell stays wrong for some of its pixels. The soft tree loses nothing by `halved`, and its five
     * steps then cost 4/3 of one.
     */
    binGrid: z.enum(['memory', 'step', 'halved']).default('memory'),
    /**
     * How the bins of a step follow from the step before. `paper`, `neighbourhood`, `elastic` and `fixed` cut a new window. `soft`
     * keeps every branch of one tree and re-weighs it (soft-tree.ts); it ignores `bins` and `expand`.
     */
    window: z.enum(['paper', 'neighbourhood', 'elastic', 'fixed', 'soft']).default('paper'),
    /** Bins of the last step of `soft`, N_K. Each earlier step has half as many as the next. */
    leaves: positive.default(DEFAULT_LEAVES),
    /** Needs `soft`. One more re-weighing, on the grid of path1, a quarter of the image's size. Its map is the output. */
    fine: z.boolean().default(false),
    /** Needs `fine`. A last convolution at the image's own size, which moves depth edges to the edges of the photo. */
    detail: z.boolean().default(false),
    /**
     * Where the convolution of `detail` works. `image`: at the image's own size. `half`: at half of it, which takes less than half
     * of the arithmetic, and there it also reads the encoder's map of that size, which nothing else does. Needs `detail` and mobilenetv2.
     */
    detailGrid: z.enum(['image', 'half']).default('image'),
    /** Bins added on each side of the chosen one. */
    expand: z.number().int().nonnegative().default(1),
    context: z.boolean().default(false),
    /**
     * The resolution at which a step sees the memory through the context. `memory`: the full one. `step`: step k of K sees the memory
     * grid halved K−k times, which is its token map's grid where `finest` is 1, and twice as fine where it is 2.
     * With `step`, detail reaches the bins step by step, so that each step can improve on the one before. `ahead`: step k sees what step
     * k + 1 would see with `step`.
     */
    contextGrid: z.enum(['memory', 'step', 'ahead']).default('memory'),
    /**
     * Tokens begin with what the memory shows at their place, so that the transformer need not find it by attention. Without it they begin
     * with the state of the step before only. Use it in place of `context`, which leads past the transformer.
     */
    tokenContext: z.boolean().default(false),
    /** How the last map comes to the image's size. `convex`: by learnt weights, ×8 from the last step's grid, or ×4 from that of `fine`. */
    upsample: z.enum(['bilinear', 'convex']).default('bilinear'),
    /** Factors of the K terms of the loss; null: all 1. */
    stepWeights: z.array(z.number().nonnegative()).nullable().default(null),
    /** Metres. */
    dMin: z.number().default(0.1),
    dMax: z.number().default(10),
    /** Bins of the dorn head. */
    ordinalBins: positive.default(68),
    /** Of the dpt head: metres below dMax, or inverse depth without a unit, as the public relative Depth Anything gives. */
    dptOutput: z.enum(['metric', 'relative']).default('metric'),
    /**
     * Of the dpt head. `half-pixel` is algorithm section 12. `corners` is Depth Anything's own arithmetic, for its public weights:
     * it resizes with aligned corners, and its last fusion doubles the map.
     */
    dptResize: z.enum(['half-pixel', 'corners']).default('half-pixel'),
    /**
     * Of the dpt head: a GroupNorm of 8 groups after its first convolution. The features of mobilenetv2 are not normalised, so that
     * without this norm the sigmoid starts saturated there, and the head never learns.
     */
    dptNorm: z.boolean().default(false),
  })
  .superRefine((c, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const beyond = limitProblems(c)
    for (const { path, message } of beyond) problem(path, message)
    if (beyond.length > 0) return
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
    if (c.contextGrid !== 'memory' && !c.context) problem('contextGrid', `${c.contextGrid} needs context: true`)
    if (c.tokenContext && !headUsesTokens(c.head)) problem('tokenContext', `is of tokens, and ${c.head} has none`)
    if (c.finest > 1 && c.sizes) problem('finest', 'has no meaning beside explicit sizes; leave one of them out')
    if (c.window === 'soft') {
      const branches = 2 ** (c.steps - 1)
      if (!headUsesBins(c.head)) problem('window', `soft is a tree of bins, and ${c.head} has none`)
      if (c.leaves % branches !== 0)
        problem('leaves', `must be a multiple of ${branches}: each of ${c.steps} steps has half the bins of the next`)
      if (c.detail && c.upsample === 'convex') problem('upsample', 'convex and detail are both a last map; choose one')
    } else {
      if (c.leaves !== DEFAULT_LEAVES) problem('leaves', `${c.leaves} is of window: soft, not of ${c.window}`)
      if (c.fine) problem('fine', 'needs window: soft')
    }
    if (c.fine && c.neckFeatures % 16 !== 0) problem('neckFeatures', 'must be a multiple of 16 for fine (group norm)')
    if (c.detail && !c.fine) problem('detail', 'needs fine: true')
    if (c.detailGrid === 'half' && !(c.detail && c.encoder === 'mobilenetv2'))
      problem('detailGrid', 'half needs detail: true and encoder: mobilenetv2')
    if (c.stepWeights && c.stepWeights.length !== (headHasSteps(c.head) ? c.steps : 1))
      problem('stepWeights', `must name ${headHasSteps(c.head) ? c.steps : 1} factors, one per term of the loss`)
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

/** A flat config with every field, defaults filled in. */
export type FlatConfig = z.output<typeof flatSchema>
