/**
 * A config as files hold it, and as recipes and presets write it: one flat object with the names of algorithm section 1, which model
 * files and reference fixtures share. Here are its fields, their defaults and what excludes what. In memory a config is a `DarConfig`
 * (config.ts). Defaults are the paper's choices on the small encoder.
 *
 * Files name every field there is. So a field that belongs to another encoder, window or head than the chosen one may be there, and is
 * not used. Options of `dpt` and of the soft tree are refused where they are not the default and have nothing to belong to.
 */
import { z } from 'zod'
import { limitProblems } from './limits.ts'

const positive = z.number().int().positive()
const size = z.tuple([positive, positive])

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
     * A LayerNorm before the transformer's last projection. Without it nothing bounds y_out, and the tanh that makes h of it
     * saturates at ordinary learning rates; off is what the paper's formula says.
     */
    finalNorm: z.boolean().default(false),
    /**
     * a ← a/√(mean_c a² + ε) before the tanh that makes h of it. `finalNorm` bounds what the last projection reads, not what it and
     * the projection to h make of it: both grow in training until most of h is ±1 and passes no gradient. With this it cannot.
     */
    hiddenNorm: z.boolean().default(false),
    /**
     * What a step hands to the next: r_k, made from the GRU's state (the paper), or y_out^k, past the bins (what the
     * authors' release does: how deep a pixel was found never reaches the transformer).
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
     * Where bins, states and depth maps live: on the memory grid; each step on that of its token map; or, `halved`, each on the
     * memory grid halved K−k times, wherever the token maps end. A window that was cut on a coarse grid is wrong for good inside its
     * cells, so the last two pay with hard windows; the soft tree loses nothing by them and its five steps cost 4/3 of one.
     */
    binGrid: z.enum(['memory', 'step', 'halved']).default('memory'),
    /**
     * How a step's bins follow from the step before. `paper`, `neighbourhood`, `elastic` and `fixed` cut a window anew; `soft`
     * keeps every branch of one tree and re-weighs it (soft-tree.ts), and does not read `bins` and `expand`.
     */
    window: z.enum(['paper', 'neighbourhood', 'elastic', 'fixed', 'soft']).default('paper'),
    /** Bins of the last step of `soft`, N_K; each step before has half of the next. */
    leaves: positive.default(DEFAULT_LEAVES),
    /** Of `soft`: one more re-weighing, on path1's grid at a quarter of the image. Its map is the output. */
    fine: z.boolean().default(false),
    /**
     * Of `fine`: a last convolution at the image's own size, which moves edges to where the photo has them. Needs `fine`.
     */
    detail: z.boolean().default(false),
    /** Bins added on each side of the chosen one. */
    expand: z.number().int().nonnegative().default(1),
    context: z.boolean().default(false),
    /**
     * How much of the memory the context shows a step: all of it, or what is left of it at the size of the step's token map, so
     * that detail comes to the bins in the order of the token maps and a step has something to add to the one before.
     */
    contextGrid: z.enum(['memory', 'step']).default('memory'),
    upsample: z.enum(['bilinear', 'convex']).default('bilinear'),
    /** Factors of the K terms of the loss; null: all 1. */
    stepWeights: z.array(z.number().nonnegative()).nullable().default(null),
    /** Metres. */
    dMin: z.number().min(0.001).max(10_000).default(0.1),
    dMax: z.number().min(0.001).max(10_000).default(10),
    /** Bins of the dorn head. */
    ordinalBins: positive.default(68),
    /** Of the dpt head: metres below dMax, or inverse depth without a unit, as the public relative Depth Anything gives. */
    dptOutput: z.enum(['metric', 'relative']).default('metric'),
    /**
     * Of the dpt head: `half-pixel` is algorithm section 12; `corners` is Depth Anything's own arithmetic, which its public weights
     * need: resizes with aligned corners, and a last fusion that doubles its map.
     */
    dptResize: z.enum(['half-pixel', 'corners']).default('half-pixel'),
    /**
     * Of the dpt head: a GroupNorm of 8 groups after its first convolution. On an encoder without a norm of its own
     * (mobilenetv2) the sigmoid starts saturated without it, and nothing is ever learnt.
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
    if (c.contextGrid === 'step' && !c.context) problem('contextGrid', 'step needs context: true')
    if (c.finest > 1 && c.sizes) problem('finest', 'has no meaning beside explicit sizes; leave one of them out')
    if (c.window === 'soft') {
      const branches = 2 ** (c.steps - 1)
      if (!headUsesBins(c.head)) problem('window', `soft is a tree of bins, and ${c.head} has none`)
      if (c.leaves % branches !== 0)
        problem('leaves', `must be a multiple of ${branches}: each of ${c.steps} steps has half the bins of the next`)
      if (c.fine && c.upsample === 'convex') problem('upsample', 'convex and fine are both a last map; choose one')
    } else {
      if (c.leaves !== DEFAULT_LEAVES) problem('leaves', `${c.leaves} is of window: soft, not of ${c.window}`)
      if (c.fine) problem('fine', 'needs window: soft')
    }
    if (c.fine && c.neckFeatures % 16 !== 0) problem('neckFeatures', 'must be a multiple of 16 for fine (group norm)')
    if (c.detail && !c.fine) problem('detail', 'needs fine: true')
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
