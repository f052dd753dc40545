/** Values inside a network, image by image, as the rows that least squares take. */
import { compile, Graph, type Node, nodesBehind, type Tensor } from '../../src/graph/index.ts'
import { normaliseImage } from '../../src/model/encoder.ts'
import { buildDar, type DarConfig, type DarOutput } from '../../src/model/index.ts'
import type { Engine } from '../../src/runtime/engine.ts'
import { concatenated } from '../../src/support/arrays.ts'

/** Values by the name of their parameter. */
export type Values = ReadonlyMap<string, Float32Array>

/** Images 3·H·W in [0, 1], of one size. */
export interface Images {
  readonly height: number
  readonly width: number
  readonly pixels: readonly Float32Array[]
}

/** One row for each pixel of a map, or each token, of every image. */
export interface Rows {
  readonly channels: number
  readonly values: Float32Array
}

const BATCH = 8

/** A network, and where in it values are looked at. */
export class Network {
  readonly model: DarOutput
  private readonly nodes: readonly Node[]

  constructor(
    private readonly engine: Engine,
    readonly config: DarConfig,
    private readonly images: Images,
  ) {
    const { height, width } = images
    const image = new Graph().input('image', [BATCH, 3, height, width])
    this.model = buildDar(normaliseImage(image, config), config)
    this.nodes = nodesBehind([this.model.imageMap])
  }

  /** What the layers with this weight read, in the order in which they run. */
  inputsOf(weight: string): Tensor[] {
    const reads = (node: Node) => node.inputs.some(({ name, source }) => source.kind === 'parameter' && name === weight)
    return this.nodes.filter(reads).map(({ inputs: [x] }) => x)
  }

  /** Runs the network with these parameters up to the tensors, which are B,C,h,w or B,T,C or B·T,C. */
  async rows(tensors: readonly Tensor[], values: Values): Promise<Rows[]> {
    const compiled = compile(Object.fromEntries(tensors.map((tensor, i) => [`value${i}`, tensor])), { name: 'samples' })
    await using program = await this.engine.load(compiled)
    const parameters = Object.fromEntries(compiled.parameters.map(({ name }) => [name, parameterOf(values, name)]))
    const { pixels, height, width } = this.images
    const parts: Float32Array[][] = tensors.map(() => [])
    for (let first = 0; first + BATCH <= pixels.length; first += BATCH) {
      const image = new Float32Array(BATCH * 3 * height * width)
      pixels.slice(first, first + BATCH).forEach((one, i) => {
        image.set(one, i * one.length)
      })
      const outputs = await program.run({ image, ...parameters })
      tensors.forEach(({ shape }, i) => {
        parts[i].push(channelsLast(outputs[`value${i}`] as Float32Array, shape))
      })
    }
    return tensors.map(({ shape, rank }, i) => ({
      channels: rank === 4 ? shape[1] : shape[rank - 1],
      values: concatenated(parts[i]),
    }))
  }
}

export function parameterOf(values: Values, name: string): Float32Array {
  const found = values.get(name)
  if (!found) throw new Error(`the teacher has no ${name}`)
  return found
}

/** B,C,h,w → B,h,w,C; others are so already. */
function channelsLast(values: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length !== 4) return values
  const [batch, channels, rows, columns] = shape
  const plane = rows * columns
  const result = new Float32Array(values.length)
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < plane; p++) result[(b * plane + p) * channels + c] = values[(b * channels + c) * plane + p]
  return result
}
