/**
 * The tree of one pixel: at every step, the probability of each bin that the pixel may fall in, from the tensors of a
 * trace. It shows DAR's autoregression over bins: 4, 8, 16, 32 and 64 bins of the soft tree, or 16 bins of a window
 * that narrows.
 */
import type { Tensor } from '../graph/index.ts'
import { type DarConfig, inferenceGraph, inferenceOutputs, isSoft, outputNames, usesBins } from '../model/index.ts'
import { DarError } from '../support/errors.ts'
import type { Size } from './types.ts'

/** A tensor of a trace, float32, row-major. */
export interface NamedTensor {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

export interface TreeStep {
  /** `1` … `K`, or `fine`. */
  readonly step: string
  /** One more than there are bins, metres, near to far. */
  readonly edges: readonly number[]
  /** Of each bin; they sum to 1. */
  readonly probabilities: readonly number[]
  /** D and σ, metres. */
  readonly depth: number
  readonly sigma: number
}

/**
 * The outputs that `pixelTree` reads, of the graph that predicts at `size`: input `image`, 1,3,H,W in [0, 1].
 * @throws DarError for a model without bins.
 */
export function treeOutputs(config: DarConfig, size: Size): Readonly<Record<string, Tensor>> {
  checkBins(config)
  const all = inferenceOutputs(inferenceGraph(config, size).model, ['trace'])
  return Object.fromEntries(namesRead(config).map((name) => [name, all[name]]))
}

function namesRead(config: DarConfig): string[] {
  const ofStep = ['prob', 'depth', 'sigma', ...(isSoft(config) ? [] : ['window_lo', 'window_hi'])]
  const steps = Array.from({ length: config.steps }, (_, k) => ofStep.map((name) => `step${k + 1}.${name}`)).flat()
  return [...steps, ...(hasFine(config) ? ['fine.scores'] : [])].map(outputNames.trace)
}

const hasFine = ({ window }: DarConfig): boolean => window.kind === 'soft' && window.fine

function checkBins(config: DarConfig): void {
  if (!usesBins(config))
    throw new DarError(`a model with the head ${config.head.kind} has no bins, so a pixel has no tree`)
}

/**
 * x and y: pixels of the image from its top left corner; the image is `width`×`height`. Reads the cell of each step's
 * grid that contains the pixel. `traced`: the result of `traceModel`; the first image of the batch is used.
 * @throws DarError for a model without bins, and for a pixel outside the image.
 */
export function pixelTree(
  traced: ReadonlyMap<string, NamedTensor>,
  config: DarConfig,
  { x, y, width, height }: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): TreeStep[] {
  checkBins(config)
  if (!(x >= 0 && y >= 0 && x < width && y < height))
    throw new DarError(`the pixel ${x},${y} is outside the image of ${width}×${height}; count from 0,0 at the top left`)
  const column = (name: string): number[] => {
    const { shape, values } = traced.get(name)!
    const [, channels, rows, cols] = shape
    const at = Math.floor((y * rows) / height) * cols + Math.floor((x * cols) / width)
    return Array.from({ length: channels }, (_, c) => values[c * rows * cols + at])
  }
  const steps = Array.from({ length: config.steps }, (_, k): TreeStep => {
    const name = `trace/step${k + 1}`
    const probabilities = column(`${name}.prob`)
    const [depth] = column(`${name}.depth`)
    const [sigma] = column(`${name}.sigma`)
    const edges = isSoft(config)
      ? logEdges(probabilities.length, config)
      : evenEdges(probabilities.length, column(`${name}.window_lo`)[0], column(`${name}.window_hi`)[0])
    return { step: `${k + 1}`, edges, probabilities, depth, sigma }
  })
  return hasFine(config) ? [...steps, readFine(column('trace/fine.scores'), config)] : steps
}

const evenEdges = (count: number, lo: number, hi: number): number[] =>
  Array.from({ length: count + 1 }, (_, i) => lo + ((hi - lo) * i) / count)

const logEdges = (count: number, { dMin, dMax }: DarConfig): number[] =>
  Array.from({ length: count + 1 }, (_, i) => dMin * (dMax / dMin) ** (i / count))

/** The scores of the last re-weighing: p = softmax(z), D = Σ c·p, σ² = Σ p·(c − D)². */
function readFine(scores: readonly number[], config: DarConfig): TreeStep {
  const most = Math.max(...scores)
  const weights = scores.map((z) => Math.exp(z - most))
  const sum = weights.reduce((a, b) => a + b)
  const probabilities = weights.map((w) => w / sum)
  const edges = logEdges(scores.length, config)
  const mean = (of: (centre: number) => number) =>
    probabilities.reduce((total, p, i) => total + p * of(Math.sqrt(edges[i] * edges[i + 1])), 0)
  const depth = mean((c) => c)
  return { step: 'fine', edges, probabilities, depth, sigma: Math.sqrt(mean((c) => (c - depth) ** 2)) }
}

const BARS = '▁▂▃▄▅▆▇█'

/** A line a step: `step 3  16 bins  ▁▁▂█▃▁…  1.33 to 1.78 m with 0.42, D 1.61 m, σ 0.24 m`. */
export function describeTree(tree: readonly TreeStep[]): string {
  return tree
    .map(({ step, edges, probabilities, depth, sigma }) => {
      const most = Math.max(...probabilities)
      const likeliest = probabilities.indexOf(most)
      const bars = probabilities.map((p) => BARS[Math.min(Math.floor((p / most) * BARS.length), BARS.length - 1)])
      const range = `${edges[likeliest].toFixed(2)} to ${edges[likeliest + 1].toFixed(2)} m with ${most.toFixed(2)}`
      return `step ${step.padEnd(4)} ${`${probabilities.length}`.padStart(3)} bins  ${bars.join('')}  ${range}, D ${depth.toFixed(3)} m, σ ${sigma.toFixed(3)} m`
    })
    .join('\n')
}
