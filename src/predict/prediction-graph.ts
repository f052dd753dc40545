/** The graph that predicts: an image in, the maps of all steps out. What it costs is in inspect/info.ts. */
import type { Graph, Tensor } from '../graph/index.ts'
import { type DarConfig, inferenceGraph, inferenceOutputs } from '../model/index.ts'
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
