/**
 * What ONNX Runtime's WebGPU computes wrongly. A convolution with a kernel larger than 1×1 over 6, 9, 15, 18, … channels (a multiple of 3, not
 * of 4, and more than 3) gives other numbers than on any other engine, without an error: seen with onnxruntime-web 1.30 and
 * onnxruntime-node 1.30. No shipped model has such a layer.
 */
import type { Shape } from '../graph/index.ts'

/** The first weight that is affected; null where there is none. Convolutions are the weights O,C,kh,kw. */
export function wrongOnWebGpu(
  weights: Iterable<readonly [name: string, tensor: { readonly shape: Shape }]>,
): string | null {
  for (const [name, { shape }] of weights) {
    const [, channels, height, width] = shape
    if (shape.length === 4 && height * width > 1 && channels > 3 && channels % 3 === 0 && channels % 4 !== 0)
      return name
  }
  return null
}
