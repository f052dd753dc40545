/**
 * What ONNX Runtime's WebGPU computes wrongly. A convolution with a kernel larger than 1×1 over 6, 9, 15, 18, … channels (a multiple of 3, not
 * of 4, and more than 3) gives other numbers than on any other engine, without an error: seen with onnxruntime-node 1.30 on SwiftShader.
 * No shipped model has such a layer.
 */
import type { Shape } from '../graph/index.ts'
import { DarError } from '../support/errors.ts'

/** Name and shape of each weight. Convolutions are the weights O,C,kh,kw. */
export type WeightShapes = Iterable<{ readonly name: string; readonly shape: Shape }>

/** The first weight that is affected; null where there is none. */
export function wrongOnWebGpu(weights: WeightShapes): string | null {
  for (const { name, shape } of weights) {
    const [, channels, height, width] = shape
    if (shape.length === 4 && height * width > 1 && channels > 3 && channels % 3 === 0 && channels % 4 !== 0)
      return name
  }
  return null
}

/** @throws DarError for a model that WebGPU computes wrongly. `instead` says what else can be done. */
export function refuseWrongOnWebGpu(weights: WeightShapes, model: string, instead: string): void {
  const name = wrongOnWebGpu(weights)
  if (name === null) return
  throw new DarError(
    `WebGPU computes ${name} of ${model} wrongly, a convolution over a multiple of 3 channels; ${instead}`,
    {
      kind: 'model',
    },
  )
}
