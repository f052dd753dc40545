/** A model file small enough for tests: quarter-width encoder, one block, two steps, random weights of a fixed seed. */
import { Graph, type Tensor } from '../src/graph/index.ts'
import { buildDar, configText, type DarConfig, imageMultiple } from '../src/model/index.ts'
import { writeWeights } from '../src/runtime/weights.ts'
import { Random } from '../src/support/random.ts'
import { tinyMobile } from './tiny-config.ts'

export const TINY = tinyMobile()

export interface TinyOptions {
  readonly config?: DarConfig
  readonly dtype?: 'F16' | 'F32'
  readonly metadata?: Readonly<Record<string, string>>
  /** A tensor that is filled with NaN. */
  readonly spoiled?: string
}

export async function writeTinyModel(
  path: string,
  { config = TINY, dtype = 'F16', metadata = { predictSize: '128x96' }, spoiled }: TinyOptions = {},
): Promise<string> {
  const graph = new Graph()
  const side = Math.ceil(64 / imageMultiple(config)) * imageMultiple(config)
  buildDar(graph.input('image', [1, 3, side, side]), config)
  const random = new Random(7)
  const parameters = [...graph.parameters.values()].map((parameter) => {
    const values = Float32Array.from({ length: parameter.size }, () =>
      parameter.name === spoiled ? Number.NaN : sample(parameter, random),
    )
    return { name: parameter.name, shape: parameter.shape, values }
  })
  await writeWeights(path, parameters, { config: configText(config), ...metadata }, { dtype })
  return path
}

function sample({ source, shape }: Tensor, random: Random): number {
  if (source.kind !== 'parameter') throw new Error('not a parameter')
  const { init } = source
  if (init.kind === 'constant') return init.value
  if (init.kind === 'normal') return random.normal(0, init.deviation)
  const bound = init.gain / Math.sqrt(shape.slice(1).reduce((product, n) => product * n, 1))
  return random.uniform(-bound, bound)
}
