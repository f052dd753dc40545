/** The graph that predicts: an image in, the maps of all steps out. What it costs is in inspect/info.ts. */
import { Graph, type Tensor } from '../graph/index.ts'
import { buildDar, type DarConfig, normaliseImage } from '../model/index.ts'
import type { Size } from './types.ts'

export const depthOutput = (step: number) => `depth${step}`
export const sigmaOutput = (step: number) => `sigma${step}`

/**
 * Input `image`: B,3,H,W in [0, 1]. Outputs in canonical metres: `depth`, the last map at its native size; `depth1` … of the
 * steps before; `sigma1` … of all steps where the head has them.
 */
export function predictionOutputs(
  config: DarConfig,
  { width, height }: Size,
  { batch = 1 }: { readonly batch?: number } = {},
): { readonly graph: Graph; readonly outputs: Readonly<Record<string, Tensor>> } {
  const graph = new Graph()
  const rgb = graph.input('image', [batch, 3, height, width])
  const model = buildDar(normaliseImage(rgb, config), config)
  // The maps of all steps are computed anyway, so outputs that are not fetched cost almost nothing.
  const outputs: Record<string, Tensor> = { depth: model.output }
  for (const [i, depth] of model.depths.slice(0, -1).entries()) outputs[depthOutput(i + 1)] = depth
  for (const [i, sigma] of model.sigmas.entries()) outputs[sigmaOutput(i + 1)] = sigma
  return { graph, outputs }
}
