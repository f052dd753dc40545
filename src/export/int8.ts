/**
 * int8 for CPUs and wasm: weights in integers, activations quantised at run time with the range that they have then, so that no
 * calibration images are needed. Processor time of dar-nano at 256×192, one thread of an AVX2 machine without VNNI (where a
 * product of integers takes a bit more than half of the float one), each part added to those above it, all measured while softmax
 * over channels still took 5 ms more:
 *
 *     float32                                         195 ms
 *     linear layers           int8-linear.ts          176
 *     wide convolutions       int8-conv.ts            156
 *     scores of attention     int8-attention.ts       150
 *
 * In float32 stay the probabilities of attention times its values, normalisations, activations, the encoder's small
 * convolutions, and the way from logits to metres. The contributed operators are ONNX Runtime's own and its CPU builds
 * have them (not tried on wasm); the browser's WebGPU provider computes no integer products (there, use float16).
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
