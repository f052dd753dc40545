/**
 * Bounds of a config, checked before a model is built from it. A config may come from an untrusted file: a config of 93 bytes with
 * 10⁹ bins took 4.8 GB. The largest preset stays below a quarter of each bound.
 *
 * There are two checks, and both look at numbers only. `limitProblems` compares each field with its bounds. `shapeProblem` compares
 * the fields with the tensors in the model file: each width must be an axis of some parameter, and each block has its own tensors.
 */
import { shortened } from '../support/text.ts'

/** Minimum and maximum of a field, by its name at any level of the config. */
const LIMITS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  encoderMultiplier: [0.05, 8],
  encoderStages: [1, 2048],
  encoderWidth: [1, 8192],
  encoderDepth: [1, 128],
  encoderHeads: [1, 256],
  patch: [1, 64],
  posGrid: [1, 256],
  taps: [-1, 128], // config.ts says which of them make sense
  neckFeatures: [1, 4096],
  neckChannels: [1, 8192],
  memoryWidth: [1, 8192],
  layers: [1, 63],
  width: [1, 16384],
  heads: [1, 256],
  steps: [1, 16],
  sizes: [1, 512],
  finest: [1, 256],
  bins: [1, 4096],
  leaves: [1, 4096],
  expand: [0, 4096],
  gruWidth: [1, 4096],
  stepWeights: [0, 1e6],
  dMin: [1e-3, 1e4],
  dMax: [1e-3, 1e4],
  ordinalBins: [1, 4096],
}
/** Bounds of a number whose field is not named above. */
const OTHER = [-16384, 16384] as const
const MOST_ENTRIES = 64
const MOST_DEPTH = 8
/** Values of a constant that is made for a given token map: the position code of its cells. */
const MOST_CODE = 2 ** 25

export interface Problem {
  /** The field, with dots between its parts. */
  readonly path: string
  readonly message: string
}

/** The numbers that are out of bounds in a value of any shape. A value that is nested deeper or has more entries than a config is itself a problem. */
export function limitProblems(value: unknown): Problem[] {
  return [...problemsIn(value, [], 'config')]
}

function* problemsIn(value: unknown, path: readonly string[], field: string): Generator<Problem> {
  const at = path.join('.') || 'config'
  if (typeof value === 'number') {
    const [least, most] = Object.hasOwn(LIMITS, field) ? LIMITS[field] : OTHER
    if (!(value >= least && value <= most))
      yield { path: at, message: `is ${value}; it must be from ${least} to ${most}` }
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    if (path.length >= MOST_DEPTH || entries.length > MOST_ENTRIES)
      yield { path: at, message: `has ${entries.length} entries at level ${path.length}; that is no config` }
    else
      for (const [key, inner] of entries) {
        const shown = shortened(key, 40)
        yield* problemsIn(inner, [...path, shown], Array.isArray(value) ? field : shown)
      }
  }
}

interface Tensors {
  readonly size: number
  values(): Iterable<{ readonly shape: readonly number[] }>
}

/** Widths and depths of the parts of a model. */
export interface Dimensions {
  /** Axes of parameters, by the name of their field. */
  readonly axes: Readonly<Record<string, number>>
  /** Numbers of blocks, by field. Each block has at least four tensors. */
  readonly blocks: Readonly<Record<string, number>>
  /** Total cells of the token maps, and channels of the position code of each cell. */
  readonly tokens: number
  readonly channels: number
}

/** The reason why a model of these dimensions cannot have these tensors; null if it can. Builds no model. */
export function shapeProblem({ axes, blocks, tokens, channels }: Dimensions, tensors: Tensors): string | null {
  let longest = 0
  for (const { shape } of tensors.values()) for (const axis of shape) if (axis > longest) longest = axis
  for (const [field, axis] of Object.entries(axes))
    if (axis > longest) return `${field} is ${axis}, but no tensor has an axis longer than ${longest}`
  for (const [field, count] of Object.entries(blocks))
    if (4 * count > tensors.size) return `${field} is ${count}, but there are only ${tensors.size} tensors`
  if (tokens * channels > MOST_CODE) return `the token maps have ${tokens} cells of ${channels} channels, too many`
  return null
}
