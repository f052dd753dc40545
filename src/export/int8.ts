/**
 * int8 for CPUs and wasm: weights as integers, activations quantised at run time with their own range, so that no
 * calibration images are needed. Processor time of dar-nano at 256×192 on one thread of an AVX2 machine without VNNI,
 * where an integer product takes a bit more than half the time of a float one. Each line adds one part to those above
 * it. Measured before softmax over channels became 5 ms faster:
 *
 *     float32                                         195 ms
 *     linear layers           int8-linear.ts          176
 *     wide convolutions       int8-conv.ts            156
 *     scores of attention     int8-attention.ts       150
 *
 * Float32 stay: the product of attention's probabilities and values, normalisations, activations, the encoder's small
 * convolutions, and the way from logits to metres. The contributed operators are ONNX Runtime's own and its CPU builds
 * have them (not tried on wasm). The browser's WebGPU provider computes no integer products; use float16 there.
 */
import type { ModelProto, Shape } from '../graph/index.ts'
import { foldWeights } from './fold.ts'
import { scoresToInt8 } from './int8-attention.ts'
import { convsToInt8 } from './int8-conv.ts'
import { linearsToInt8 } from './int8-linear.ts'
import { withoutUnused } from './rewrite.ts'

/** `model` is in portable operators and float32, its weights embedded; `shapes` of the values in it, by name. */
export function toInt8(model: ModelProto, shapes: ReadonlyMap<string, Shape>): ModelProto {
  const linears = linearsToInt8(foldWeights(model))
  const convs = convsToInt8(linears, shapes)
  return withoutUnused(scoresToInt8(convs, shapes))
}
