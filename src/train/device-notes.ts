/** What the log says of the device that a run trains on: operators that it lacks, which the CPU computes, and float16. */
import { add, compile, conv, Graph, matmul, mean, type Precision, type Products, reshape } from '../graph/index.ts'
import { type Engine, EngineError } from '../runtime/engine.ts'
import type { Provider } from '../runtime/protocol.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { stepOptions } from './memory.ts'
import type { Recipe } from './recipe.ts'
import { trainingGraph } from './step-program.ts'

/** How a device computes products of a precision: the CPU, which has no float16, rounds as if it had (graph/half.ts). */
export function productsOn(provider: Provider, precision: Precision): Products {
  return precision === 'half' && provider === 'cpu' ? 'rounded' : precision
}

/**
 * One line for a device that is not the CPU, from one step of the first stage on zeros, and one for half precision. Throws a DarError of
 * kind `missing` when the machine does not have the device, or the device not the precision.
 */
export async function deviceNotes(
  engine: Engine,
  recipe: Recipe,
  { precision = 'single' }: { readonly precision?: Precision } = {},
): Promise<string[]> {
  const isHalf = precision === 'half'
  if (engine.provider === 'cpu')
    return isHalf
      ? ['half precision on the CPU is for trials: products are rounded as in float16, which is slower than single']
      : []
  if (isHalf) await refuseWithoutHalf(engine)
  const [stage] = recipe.stages
  const { compiled } = trainingGraph(recipe.model, { ...stepOptions(recipe, stage, stage), products: precision })
  const { CPU: fallen = {}, ...placed } = await engine.placement(compiled)
  const nodes = Object.values(placed).flatMap((ops) => Object.values(ops))
  const count = nodes.reduce((sum, n) => sum + n, 0)
  const list = Object.entries(fallen).map(([op, n]) => `${op} ${n}`)
  const rest = list.length > 0 ? `, on the CPU ${list.join(', ')}` : ''
  const half = isHalf ? ['products in half precision, all else and the state in single'] : []
  return [`a step has ${count} nodes on ${engine.provider}${rest}`, ...half]
}

/** Runs a convolution and a product in float16. Throws a DarError of kind `missing` when the device does not compute both. */
export async function refuseWithoutHalf(engine: Engine): Promise<void> {
  const { provider } = engine
  const refused = (why: string) =>
    new DarError(`the device ${provider} has no half precision here: ${why}; leave --precision out`, {
      kind: 'missing',
    })
  const graph = new Graph()
  const [x, w, a, b] = [
    graph.input('x', [1, 4, 4, 4]),
    graph.input('w', [4, 4, 3, 3]),
    ...['a', 'b'].map((n) => graph.input(n, [4, 4])),
  ]
  const y = add(mean(conv(x, w)), mean(matmul(a, b)))
  const compiled = compile({ y: reshape(y, [1]) }, { name: 'half precision', products: 'half' })
  const placed = await engine.placement(compiled).catch((error: unknown) => {
    throw refused(error instanceof EngineError ? error.reason : messageOf(error))
  })
  const fallen = ['Conv', 'MatMul'].filter((op) => placed.CPU?.[op] !== undefined)
  if (fallen.length > 0) throw refused(`it leaves ${fallen.join(' and ')} in float16 to the CPU`)
}
