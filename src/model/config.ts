/**
 * The configuration of a model in memory (algorithm section 1). What belongs to one encoder, one head or one kind of window lies in an
 * object of that kind, so that code can only read what the kind has. What several heads share (the neck, the transformer, the steps,
 * the state, the range) lies beside them.
 *
 * Files, recipes and presets name fields flatly (flat-config.ts): `parseConfig` reads that form and `flatConfig` writes it. Presets are
 * in presets.ts.
 */
import { z } from 'zod'
import { DarError } from '../support/errors.ts'
import { issueText } from '../support/issues.ts'
import { type FlatConfig, flatSchema, headHasSteps, headUsesBins, headUsesTokens } from './flat-config.ts'
import type { Dimensions } from './limits.ts'

/** A DINOv2-style vision transformer. */
export interface VitConfig {
  readonly kind: 'vit'
  /** Channels of its tokens. */
  readonly width: number
  /** Blocks. */
  readonly depth: number
  /** Attention heads of a block. */
  readonly heads: number
  /** Side of a patch, pixels. */
  readonly patch: number
  readonly stem: 'patch' | 'conv'
  /** Rows and columns of the stored position table. */
  readonly posGrid: readonly [number, number]
  readonly layerScale: boolean
  /** Tapped blocks, from 0; null: a quarter, a half, three quarters and all of the depth. */
  readonly taps: readonly [number, number, number, number] | null
  /** Channels of the four maps that the neck makes of the taps, finest first. */
  readonly neckChannels: readonly [number, number, number, number]
}

/** MobileNetV2, whose maps are a pyramid already. */
export interface MobileNetConfig {
  readonly kind: 'mobilenetv2'
  /** Channel multiplier. */
  readonly multiplier: number
  /** Expansion, channels and blocks of each of its seven stages; null: the published ones. */
  readonly stages: readonly (readonly [expansion: number, channels: number, blocks: number])[] | null
}

/** The encoder of a config. */
export type EncoderConfig = VitConfig | MobileNetConfig

/** The head of Depth Anything. */
export interface DptConfig {
  readonly kind: 'dpt'
  /** Metres below dMax, or inverse depth without a unit. */
  readonly output: 'metric' | 'relative'
  /** `corners` is Depth Anything's own arithmetic, which its public weights need. */
  readonly resize: 'half-pixel' | 'corners'
  /** A GroupNorm after the first convolution. */
  readonly norm: boolean
}

/** DORN. */
export interface DornConfig {
  readonly kind: 'dorn'
  /** Ordinal bins. */
  readonly bins: number
}

/** A head without options of its own: DAR, its ablations, Ord2Seq. */
export interface PlainHeadConfig {
  readonly kind: 'dar' | 'transformer' | 'bins' | 'ord2seq'
}

/** The head of a config: what stands on the neck. */
export type HeadConfig = PlainHeadConfig | DptConfig | DornConfig

/** Each step divides a window of the range into new bins. */
export interface CutWindowConfig {
  readonly kind: 'paper' | 'neighbourhood' | 'elastic' | 'fixed'
  /** Bins of a step. */
  readonly bins: number
  /** Bins added on each side of the chosen one. */
  readonly expand: number
}

/** One tree of bins, all of whose branches stay alive (soft-tree.ts). */
export interface SoftTreeConfig {
  readonly kind: 'soft'
  /** Bins of the last step, N_K; each step before has half of the next. */
  readonly leaves: number
  /** One more re-weighing, on path1's grid at a quarter of the image. */
  readonly fine: boolean
  /** A last convolution at the image's own size; needs `fine`. */
  readonly detail: boolean
  /** Where it works; `half` also reads the encoder's map at half of the image. */
  readonly detailGrid: 'image' | 'half'
}

/** How the bins of a step are derived from the previous step. */
export type WindowConfig = CutWindowConfig | SoftTreeConfig

type KeyOf<Union> = Union extends unknown ? keyof Union : never
type Names<Union> = Readonly<Record<KeyOf<Union> & string, keyof FlatConfig>>

/** Names in the flat form of the fields of these objects. */
const ENCODER = {
  kind: 'encoder',
  multiplier: 'encoderMultiplier',
  stages: 'encoderStages',
  width: 'encoderWidth',
  depth: 'encoderDepth',
  heads: 'encoderHeads',
  patch: 'patch',
  stem: 'stem',
  posGrid: 'posGrid',
  layerScale: 'layerScale',
  taps: 'taps',
  neckChannels: 'neckChannels',
} as const satisfies Names<EncoderConfig>
const HEAD = {
  kind: 'head',
  output: 'dptOutput',
  resize: 'dptResize',
  norm: 'dptNorm',
  bins: 'ordinalBins',
} as const satisfies Names<HeadConfig>
const WINDOW = {
  kind: 'window',
  bins: 'bins',
  expand: 'expand',
  leaves: 'leaves',
  fine: 'fine',
  detail: 'detail',
  detailGrid: 'detailGrid',
} as const satisfies Names<WindowConfig>

type ValueOf<T> = T[keyof T]
type OwnedField = ValueOf<typeof ENCODER> | ValueOf<typeof HEAD> | ValueOf<typeof WINDOW>

/** A whole config: every field, defaults filled in. Fields that are not explained here are in algorithm section 1. */
export interface DarConfig extends Readonly<Omit<FlatConfig, OwnedField>> {
  readonly encoder: EncoderConfig
  readonly head: HeadConfig
  readonly window: WindowConfig
}

const OWNED: ReadonlySet<string> = new Set([ENCODER, HEAD, WINDOW].flatMap((names) => Object.values(names)))

function nest(flat: FlatConfig): DarConfig {
  const shared = Object.fromEntries(Object.entries(flat).filter(([name]) => !OWNED.has(name)))
  const own = { encoder: encoderOf(flat), head: headOf(flat), window: windowOf(flat) }
  return { ...(shared as Omit<FlatConfig, OwnedField>), ...own }
}

function encoderOf(flat: FlatConfig): EncoderConfig {
  if (flat.encoder === 'mobilenetv2') {
    const { encoder: kind, encoderMultiplier: multiplier, encoderStages: stages } = flat
    return { kind, multiplier, stages }
  }
  const { patch, stem, posGrid, layerScale, taps, neckChannels } = flat
  const size = { width: flat.encoderWidth, depth: flat.encoderDepth, heads: flat.encoderHeads }
  return { kind: flat.encoder, ...size, patch, stem, posGrid, layerScale, taps, neckChannels }
}

function headOf({ head, dptOutput, dptResize, dptNorm, ordinalBins }: FlatConfig): HeadConfig {
  if (head === 'dpt') return { kind: head, output: dptOutput, resize: dptResize, norm: dptNorm }
  return head === 'dorn' ? { kind: head, bins: ordinalBins } : { kind: head }
}

function windowOf({ window, bins, expand, leaves, fine, detail, detailGrid }: FlatConfig): WindowConfig {
  return window === 'soft' ? { kind: window, leaves, fine, detail, detailGrid } : { kind: window, bins, expand }
}

/** Objects of a kind become fields; what is flat already stays, and stands above what an object says of the same field. */
function flatten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const { encoder, head, window, ...fields }: Record<string, unknown> = { ...value }
  return {
    ...fieldsOf(encoder, ENCODER),
    ...fieldsOf(head, HEAD),
    ...fieldsOf(window, WINDOW),
    ...fields,
  }
}

/** A field that the object should not have keeps a name that nothing accepts. */
function fieldsOf(own: unknown, names: Readonly<Record<string, string>>): Record<string, unknown> {
  if (own === undefined) return {}
  if (typeof own !== 'object' || own === null) return { [names.kind]: own }
  const entries = Object.entries(own)
  return Object.fromEntries(entries.map(([name, value]) => [names[name] ?? `${names.kind}.${name}`, value]))
}

const DEFAULTS: FlatConfig = flatSchema.parse({})

/**
 * The config as files hold it: every field, in a fixed order. What the chosen encoder, head and window do not have stands at its
 * default, as it would if it had been left out.
 */
export function flatConfig(config: DarConfig): FlatConfig {
  return { ...DEFAULTS, ...(flatten(config) as Partial<FlatConfig>) }
}

/** Fields that came after the first version. It refuses a file that names them. */
const LATER: readonly (keyof FlatConfig)[] = ['encoderStages', 'neckUnits', 'detailGrid', 'tokenContext']

/** The text of a config in the metadata of a file. Without later fields where they are at their defaults, as versions before them wrote and read it. */
export function configText(config: DarConfig): string {
  const { ...fields }: Partial<FlatConfig> = flatConfig(config)
  for (const name of LATER) if (fields[name] === DEFAULTS[name]) delete fields[name]
  return JSON.stringify(fields)
}

/** A config from outside, flat, or as `DarConfig` has it, or part by part in either form. */
export const configSchema = z.preprocess(flatten, flatSchema.transform(nest))

/**
 * Checks a config from outside; `source` names the file in the error. Fields left out take their defaults. A `DarConfig` may be spread
 * and changed by flat fields: `parseConfig({ ...PRESETS['dar-nano'], leaves: 32 })`.
 */
export function parseConfig(value: unknown, source = 'config'): DarConfig {
  const result = configSchema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => issueText(issue, 'config'))
  throw new DarError(`${source}: ${problems.join('; ')}`)
}

type Headed = Pick<DarConfig, 'head'>
/** Whether the head has a transformer. */
export const usesTokens = ({ head }: Headed): boolean => headUsesTokens(head.kind)
/** Whether the head has bins. */
export const usesBins = ({ head }: Headed): boolean => headUsesBins(head.kind)
/** Whether the head predicts coarse to fine. */
const hasSteps = ({ head }: Headed): boolean => headHasSteps(head.kind)
/** Whether the bins are the tree with all branches alive. */
export const isSoft = ({ window }: Pick<DarConfig, 'window'>): boolean => window.kind === 'soft'

/** Whether depth maps are metres; else they are inverse depth of unknown scale and shift. */
export const isMetric = ({ head }: Headed): boolean => head.kind !== 'dpt' || head.output === 'metric'

/** What `shapeProblem` compares with the tensors of a file: the fields that this head and encoder are built from. */
export function dimensionsOf(config: DarConfig): Dimensions {
  const { encoder, head, window } = config
  const tokens = usesTokens(config)
  const vit = encoder.kind === 'vit' ? encoder : null
  return {
    axes: {
      ...(vit && { encoderWidth: vit.width, posGrid: vit.posGrid[0] * vit.posGrid[1] + 1, patch: vit.patch }),
      ...(vit && Object.fromEntries(vit.neckChannels.map((channels, i) => [`neckChannels.${i}`, channels]))),
      neckFeatures: config.neckFeatures,
      ...(head.kind !== 'dpt' && { memoryWidth: config.memoryWidth }),
      ...(tokens && { width: config.width }),
      ...(hasSteps(config) && { gruWidth: config.gruWidth }),
      ...(usesBins(config) && (window.kind === 'soft' ? { leaves: window.leaves } : { bins: window.bins })),
    },
    blocks: { ...(vit && { encoderDepth: vit.depth }), ...(tokens && { layers: config.layers }) },
    tokens: tokens ? (config.sizes ?? []).reduce((sum, [rows, columns]) => sum + rows * columns, 0) : 0,
    channels: Math.max(config.width, config.memoryWidth),
  }
}

/** How many depth maps a model gives, coarse to fine: K, or 1 for a head without steps. */
export const mapCount = (config: DarConfig): number => (hasSteps(config) ? config.steps : 1)

/**
 * What H and W of an image must be multiples of. MobileNetV2 takes any size, its padding rounds up; below multiples of 16 its maps
 * would no longer lie on each other.
 */
export function imageMultiple({ encoder }: Pick<DarConfig, 'encoder'>): number {
  return encoder.kind === 'vit' ? encoder.patch : 16
}
