/**
 * The first nodes of an exported graph: they reduce a picture that is larger than the network's input to the input size.
 *
 * `@huggingface/transformers` brings a photo to the size that the preprocessor names by bilinear sampling without antialias (sharp's
 * `affine` in Node, a canvas in a page), which skips pixels of whatever is larger. Training and this package average
 * over them, and the metres of dar-nano differed by 6 % on a photo, 21 % at worst. So an export takes a picture `factor` times as wide
 * and high, where almost no pixels are skipped, and averages it down itself: a convolution of each channel with stride `factor`.
 *
 * Its weights lie at t, in pixels of the network, from the middle of one:
 *
 *     f(t) = min(1, max(0, (⅞ − |t|) / ¾)),   Σ f = 1
 *
 * The filter of training is a triangle, 1 − |t|. This one is narrower by what the library's bilinear enlargement of ordinary photos (400
 * to 1,200 pixels wide) has blurred already, so that both together blur as much.
 *
 * In Node that enlargement fades the last pixels of every row and column into black, and a dark line at the border moves all
 * metres, by 9 % on one photo. So the last `factor` − 1 of them are not used. Where weights fall on these or outside the
 * picture, the other weights are normalised so that they sum to 1 again.
 */
import { DATA_TYPE, type ModelProto } from '../graph/index.ts'
import type { Size } from '../predict/index.ts'
import { node, tensor } from './rewrite.ts'

const [REACH, SLOPE] = [7 / 8, 3 / 4]
/** The name of a node. The engine's error messages contain it, so it states the remedy. */
const ONE_IMAGE = 'one image per call: give them one after the other'
/** Wider pictures cost a page more time than they save errors. */
const WIDEST = 1100
const MOST = 4

/** How many times larger the picture is that a graph of this network size takes. */
export function averagingFactor({ width, height }: Size): number {
  return Math.min(MOST, Math.max(2, Math.floor(WIDEST / Math.max(width, height))))
}

/** The same graph with an input `factor` times as wide and high. Weights and arithmetic of these nodes are float32. */
export function withAveraging(model: ModelProto, { width, height }: Size, factor: number): ModelProto {
  const [input] = model.inputs
  const [large, averaged] = [input.name, `${input.name}/averaged`]
  const taps = filter(factor)
  const kernel = Float32Array.from({ length: 3 * taps.length ** 2 }, (_, i) => {
    const at = i % taps.length ** 2
    return taps[Math.floor(at / taps.length)] * taps[at % taps.length]
  })
  const [pad, faded] = [(taps.length - factor) / 2, factor - 1]
  const far = pad + faded
  const ints = {
    group: 3,
    kernel_shape: [taps.length, taps.length],
    strides: [factor, factor],
    pads: [pad, pad, far, far],
  }
  return {
    ...model,
    // Open, so that the node below refuses two images, in one line; of a fixed 1 the engine complains in three.
    inputs: [{ ...input, shape: ['images', 3, factor * height, factor * width] }],
    initializers: [
      integers('average.one', [1, 3, factor * height, factor * width]),
      integers('average.begin', [0, 0]),
      integers('average.end', [factor * height - faded, factor * width - faded]),
      integers('average.axes', [2, 3]),
      tensor('average.weight', [3, 1, taps.length, taps.length], DATA_TYPE.float32, kernel),
      tensor('average.rows', [1, 1, height, 1], DATA_TYPE.float32, borderGains(height, factor, taps)),
      tensor('average.columns', [1, 1, 1, width], DATA_TYPE.float32, borderGains(width, factor, taps)),
      ...model.initializers,
    ],
    nodes: [
      { ...node('Reshape', [large, 'average.one'], `${averaged}/one`), name: ONE_IMAGE },
      node('Slice', [`${averaged}/one`, 'average.begin', 'average.end', 'average.axes'], `${averaged}/sound`),
      node('Conv', [`${averaged}/sound`, 'average.weight'], `${averaged}/sums`, { ints }),
      node('Mul', [`${averaged}/sums`, 'average.rows'], `${averaged}/rows`),
      node('Mul', [`${averaged}/rows`, 'average.columns'], averaged),
      ...model.nodes.map((old) => ({ ...old, inputs: old.inputs.map((name) => (name === large ? averaged : name)) })),
    ],
  }
}

function integers(name: string, values: readonly number[]) {
  return tensor(name, [values.length], DATA_TYPE.int64, BigInt64Array.from(values, BigInt))
}

/** f at the places of the larger picture's pixels; as many more than `factor` on either side as f reaches. */
function filter(factor: number): Float64Array {
  const beside = Math.ceil((REACH - 0.5) * factor - 0.5)
  const values = Float64Array.from({ length: factor + 2 * beside }, (_, j) => {
    const t = (j - beside + 0.5) / factor - 0.5
    return Math.min(1, Math.max(0, (REACH - Math.abs(t)) / SLOPE))
  })
  const sum = values.reduce((a, b) => a + b, 0)
  return values.map((value) => value / sum)
}

/** What makes the weights of each of `count` averages sum to 1. */
function borderGains(count: number, factor: number, taps: Float64Array): Float32Array {
  const pad = (taps.length - factor) / 2
  return Float32Array.from({ length: count }, (_, i) => {
    const begin = i * factor - pad
    const inside = taps.filter((_, j) => begin + j >= 0 && begin + j < count * factor - (factor - 1))
    return 1 / inside.reduce((a, b) => a + b, 0)
  })
}
