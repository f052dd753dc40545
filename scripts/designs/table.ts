/** The designs that were tried for dar-nano: which fields each changes of one shape. Read by scripts/designs.ts. */
import { type DarConfig, type LossOptions, lossSchema, parseConfig } from '../../src/model/index.ts'

/** MobileNetV2 and a decoder of 3.7 GFLOPs at 256×192, steps coarse to fine. */
const SHAPE = {
  encoder: 'mobilenetv2',
  memoryWidth: 128,
  layers: 3,
  width: 128,
  heads: 2,
  gruWidth: 32,
  neckFeatures: 48,
  finalNorm: true,
  finest: 2,
  context: true,
  contextGrid: 'step',
} as const

const DPT = { encoder: 'mobilenetv2', head: 'dpt', dptNorm: true } as const
const WEIGHTS = [0.1, 0.1, 0.2, 0.4, 1]
const SOFT = { ...SHAPE, window: 'soft', fine: true, stepWeights: WEIGHTS } as const
const DETAIL = { ...SOFT, detail: true } as const
const HALVED = { ...DETAIL, binGrid: 'halved' } as const

const DESIGNS: Readonly<Record<string, Record<string, unknown>>> = {
  dpt: { ...DPT, neckFeatures: 48 },
  'dpt-wide': { ...DPT, neckFeatures: 96 },
  soft: SOFT,
  detail: DETAIL,
  halved: HALVED,
  'halved-wide': { ...HALVED, gruWidth: 64 },
  'halved-memory': { ...HALVED, contextGrid: 'memory' },
  memory: { ...DETAIL, contextGrid: 'memory' },
  bins: { ...DETAIL, head: 'bins' },
  'halved-bins': { ...HALVED, head: 'bins' },
  /** Nothing of the picture reaches the tree but by the tokens, until `fine`. */
  'halved-tokens': { ...HALVED, context: false, contextGrid: 'memory' },
  /** The same, and a token begins with the memory at its place. */
  'halved-seen': { ...HALVED, context: false, contextGrid: 'memory', tokenContext: true },
  'three-steps': { ...DETAIL, steps: 3, stepWeights: [0.2, 0.4, 1] },
  'halved-three-steps': { ...HALVED, steps: 3, stepWeights: [0.2, 0.4, 1] },
  'leaves-32': { ...DETAIL, leaves: 32 },
  'leaves-128': { ...DETAIL, leaves: 128 },
  'halved-leaves-32': { ...HALVED, leaves: 32 },
  'halved-leaves-128': { ...HALVED, leaves: 128 },
  'halved-neck-32': { ...HALVED, neckFeatures: 32 },
  /** Steps at a quarter of the channels. */
  'halved-gru-8': { ...HALVED, gruWidth: 8 },
  'halved-narrow': { ...HALVED, width: 96, memoryWidth: 96, neckFeatures: 32, gruWidth: 24 },
  /** Token maps as large as the memory: more tokens, and a context no finer than they are. */
  'halved-finest-1': { ...HALVED, finest: 1 },
  /** What a step sees is finer than its tokens by one halving more. */
  'halved-ahead': { ...HALVED, contextGrid: 'ahead' },
  /** The last convolution at half of the image, beside the encoder's map at stride 2. */
  'halved-half': { ...HALVED, detailGrid: 'half' },
  /** Convex ×4 in place of the last convolution. */
  'halved-convex': { ...HALVED, detail: false, upsample: 'convex' },
  /** A neck with one residual unit a fusion instead of two. */
  'halved-neck-1': { ...HALVED, neckUnits: 1 },
  /** What dar-nano was before its convex end. */
  'halved-norm': { ...HALVED, hiddenNorm: true },
  paper: { ...SHAPE, window: 'paper' },
  'expand-3': { ...SHAPE, window: 'paper', expand: 3 },
  elastic: { ...SHAPE, window: 'elastic' },
  fixed: { ...SHAPE, window: 'fixed' },
}

export const DESIGN_NAMES = Object.keys(DESIGNS)

/** A model, and what its training weighs beside the depth of its steps. */
export interface Design {
  readonly model: DarConfig
  readonly loss: LossOptions
}

/** A design by name, with weights of the loss after it: `halved+edges=0.6+bins=0.3`. Throws for what is not in the table. */
export function designNamed(text: string): Design {
  const [name, ...weights] = text.split('+')
  const fields = DESIGNS[name]
  if (!fields) throw new Error(`no design ${name}; there are ${DESIGN_NAMES.join(', ')}`)
  const loss = Object.fromEntries(
    weights.map((weight) => weight.split('=')).map(([key, value]) => [key, Number(value)]),
  )
  return { model: parseConfig(fields, `design ${name}`), loss: lossSchema.parse(loss) }
}
