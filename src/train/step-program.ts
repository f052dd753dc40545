/** One training step as a graph: images and labels in, the loss out, and every gradient into the gradient buffer. */
import { type Compiled, compile, Graph, gradient, type Tensor } from '../graph/index.ts'
import {
  buildDar,
  type DarConfig,
  extraTerms,
  type LossOptions,
  normaliseImage,
  stepLosses,
  total,
} from '../model/index.ts'
import type { Engine, Program, ResidentBuffer } from '../runtime/engine.ts'
import { type Layout, layoutOf, slicesOf } from './parameters.ts'

interface Size {
  readonly height: number
  readonly width: number
  readonly batch: number
}

interface StepOptions extends Size {
  readonly loss?: LossOptions
}

const GRADIENT = 'gradient of '

/** The parameters of a model. `size` is any that the model can run at: parameters do not depend on it. */
export function modelLayout(config: DarConfig, { height, width }: Omit<Size, 'batch'>): Layout {
  const graph = new Graph()
  buildDar(graph.input('image', [1, 3, height, width]), config)
  return layoutOf(graph.parameters.values())
}

/**
 * The step before it is compiled. image: B,3,H,W in [0, 1]; depth: B,1,H,W in canonical metres, 0 = none. Outputs `loss`,
 * its terms `loss1` … `lossK` (as many as `lossTermCount`), and the gradient of every parameter. `loss` is the sum of the terms and
 * of what else the options weigh (`extraTerms`). Throws when a parameter does not influence the loss.
 */
export function trainingOutputs(config: DarConfig, { batch, height, width, loss = {} }: StepOptions) {
  const graph = new Graph()
  const image = graph.input('image', [batch, 3, height, width])
  const depth = graph.input('depth', [batch, 1, height, width])
  const model = buildDar(normaliseImage(image, config), config)
  const terms = stepLosses(model, depth, config, loss)
  const sum = total([...terms, ...extraTerms(model, depth, config, loss)])
  const parameters = [...graph.parameters.values()]
  const gradients = gradient(sum, parameters)
  const outputs: Record<string, Tensor> = { loss: sum }
  terms.forEach((term, k) => {
    outputs[`loss${k + 1}`] = term
  })
  parameters.forEach(({ name }, i) => {
    outputs[GRADIENT + name] = gradients[i]
  })
  return { outputs, gradients, layout: layoutOf(parameters) }
}

/** The step of `trainingOutputs`, compiled. */
export function trainingGraph(
  config: DarConfig,
  options: StepOptions,
): { readonly compiled: Compiled; readonly layout: Layout } {
  const { outputs, layout } = trainingOutputs(config, options)
  const { batch, width, height } = options
  return { compiled: compile(outputs, { name: `training step ${batch}×${width}×${height}` }), layout }
}

/** The step on the engine: parameters are read from `params`, gradients overwrite `grads`; both of the layout's length. */
export async function loadStep(
  engine: Engine,
  { compiled, layout }: { readonly compiled: Compiled; readonly layout: Layout },
  { params, grads }: { readonly params: ResidentBuffer; readonly grads: ResidentBuffer },
): Promise<Program> {
  return engine.load(compiled, {
    boundInputs: slicesOf(layout, params.name),
    boundOutputs: slicesOf(layout, grads.name, GRADIENT),
  })
}
