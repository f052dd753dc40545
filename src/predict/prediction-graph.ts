/** The graph that predicts: an image in, the maps of all steps out. What it costs is in inspect/info.ts. */
import type { Graph, StageOutputs, Tensor } from '../graph/index.ts'
import { type DarConfig, inferenceGraph, inferenceOutputs, mapCount, outputNames } from '../model/index.ts'
import type { Size } from './types.ts'

/**
 * Input `image`: B,3,H,W in [0, 1]. Outputs (model/inference.ts) at their native sizes, in canonical metres: `depth`, `depth1` … of
 * the steps before, `sigma1` … where the head has them.
 */
export function predictionOutputs(
  config: DarConfig,
  size: Size,
  { batch = 1 }: { readonly batch?: number } = {},
): { readonly graph: Graph; readonly outputs: Readonly<Record<string, Tensor>> } {
  const { graph, model } = inferenceGraph(config, size, { batch })
  // The maps of all steps are computed anyway: as outputs that nobody fetches they cost next to nothing.
  return { graph, outputs: inferenceOutputs(model, ['depth', 'steps', 'sigmas']) }
}

/** The names of the outputs of one step, counted from 1; not every head has the second. */
export function outputsOfStep(step: number, config: DarConfig): { readonly depth: string; readonly sigma: string } {
  const isLast = step === mapCount(config)
  return { depth: isLast ? outputNames.depth : outputNames.step(step), sigma: outputNames.sigma(step) }
}

/** The same graph as stages, one for each step: the first ends with the map of step 1, the last with `depth`. */
export function predictionStages(config: DarConfig, size: Size): readonly StageOutputs[] {
  const { outputs } = predictionOutputs(config, size)
  return Array.from({ length: mapCount(config) }, (_, i) => {
    const { depth, sigma } = outputsOfStep(i + 1, config)
    return { [depth]: outputs[depth], ...(sigma in outputs && { [sigma]: outputs[sigma] }) }
  })
}
