/** The graph of an export: normalised pixels in, metres of the canonical lens out, at one size and precision. */
import { lower, type ModelProto, nodesBehind, type Shape, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { inferenceGraph, inferenceOutputs } from '../model/index.ts'
import type { ModelFile } from '../node/index.ts'
import type { Size } from '../predict/index.ts'
import { toHalf } from './half.ts'
import { toInt8 } from './int8.ts'
import { toPortable } from './portable.ts'
import { withoutUnused } from './rewrite.ts'

export type Precision = 'fp32' | 'fp16' | 'int8'

/**
 * `pixel_values` 1,3,H,W, normalised as the encoder needs → `predicted_depth` 1,H,W, metres. The model's weights are
 * embedded.
 */
export function exportGraph(file: ModelFile, { width, height }: Size, precision: Precision = 'fp32'): ModelProto {
  const { model: dar } = inferenceGraph(file.config, { width, height }, { input: 'pixel_values', pixels: 'normalised' })
  const { depth } = inferenceOutputs(dar, ['depth'], { maps: 'image' })
  const outputs = { predicted_depth: ops.reshape(depth, [1, height, width]) }
  const { model } = lower(outputs, { name: `${file.name} at ${width}x${height}`, weights: file.weights })
  const portable = withoutUnused(toPortable(model))
  return precision === 'fp16'
    ? toHalf(portable)
    : precision === 'int8'
      ? toInt8(portable, shapesOf(Object.values(outputs)))
      : portable
}

/** Shapes of all values that are tensors of the graph, by name. The ONNX form does not have them. */
function shapesOf(outputs: readonly Tensor[]): ReadonlyMap<string, Shape> {
  const tensors = nodesBehind(outputs).flatMap(({ inputs, results }) => [...inputs, ...results])
  return new Map(tensors.map(({ name, shape }) => [name, shape]))
}
