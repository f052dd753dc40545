/**
 * The ViT step of engine.ts in jax-js on its wasm engine, jitted: the same layers, loss and gradients. jax-js counts
 * references: a function owns its arguments, `.ref` keeps one for later.
 */
import {
  blockUntilReady,
  defaultDevice,
  init,
  type Array as JaxArray,
  jit,
  nn,
  numpy as np,
  valueAndGrad,
} from '@jax-js/jax'
import { Random } from '../src/support/random.ts'
import { median } from './report.ts'
import type { VitSize } from './vit.ts'

type Linear = { weight: JaxArray; bias: JaxArray }
type Norm = { weight: JaxArray; bias: JaxArray }
type Block = { norm1: Norm; qkv: Linear; proj: Linear; norm2: Norm; fc1: Linear; fc2: Linear }
type Params = { tokens: JaxArray; blocks: Block[] }

/** x: …,in; weight: in,out */
const linear = (x: JaxArray, { weight, bias }: Linear): JaxArray => np.matmul(x, weight).add(bias)

const layerNorm = (x: JaxArray, { weight, bias }: Norm): JaxArray =>
  nn.standardize(x, -1, { epsilon: 1e-6 }).mul(weight).add(bias)

function block(x: JaxArray, p: Block, { batch, tokens, width, heads }: VitSize): JaxArray {
  const depth = width / heads
  const [q, k, v] = np
    .split(linear(layerNorm(x.ref, p.norm1), p.qkv), 3, -1)
    .map((part) => np.transpose(part.reshape([batch, tokens, heads, depth]), [0, 2, 1, 3]))
  const scores = np.matmul(q.mul(1 / Math.sqrt(depth)), np.transpose(k, [0, 1, 3, 2]))
  const mixed = np.transpose(np.matmul(nn.softmax(scores, -1), v), [0, 2, 1, 3]).reshape([batch, tokens, width])
  const y = x.add(linear(mixed, p.proj))
  return y.ref.add(linear(nn.gelu(linear(layerNorm(y, p.norm2), p.fc1), { approximate: false }), p.fc2))
}

/** Median milliseconds of a step, after two that compile and warm up. */
export async function jaxVitStep(size: VitSize, runs: number): Promise<number> {
  await init('wasm')
  defaultDevice('wasm')
  const random = new Random(1)
  const normal = (shape: number[], deviation: number) => {
    const length = shape.reduce((product, n) => product * n, 1)
    return np.array(Float32Array.from({ length }, () => random.normal(0, deviation))).reshape(shape)
  }
  const { batch, tokens, width } = size
  const makeLinear = (inputs: number, outputs: number): Linear => ({
    weight: normal([inputs, outputs], 0.05),
    bias: normal([outputs], 1),
  })
  const makeNorm = (): Norm => ({ weight: normal([width], 1), bias: normal([width], 1) })
  const params: Params = {
    tokens: normal([batch, tokens, width], 0.05),
    blocks: Array.from({ length: size.blocks }, () => ({
      norm1: makeNorm(),
      qkv: makeLinear(width, 3 * width),
      proj: makeLinear(width, width),
      norm2: makeNorm(),
      fc1: makeLinear(width, 4 * width),
      fc2: makeLinear(4 * width, width),
    })),
  }
  const loss = (p: Params): JaxArray => {
    const y = p.blocks.reduce((x, b) => block(x, b, size), p.tokens)
    return np.mean(np.square(y))
  }
  const step = jit(valueAndGrad(loss))
  const refs = (p: Params): Params => {
    const linears = ({ weight, bias }: Linear): Linear => ({ weight: weight.ref, bias: bias.ref })
    return {
      tokens: p.tokens.ref,
      blocks: p.blocks.map((b) => ({
        norm1: linears(b.norm1),
        qkv: linears(b.qkv),
        proj: linears(b.proj),
        norm2: linears(b.norm2),
        fc1: linears(b.fc1),
        fc2: linears(b.fc2),
      })),
    }
  }
  const samples: number[] = []
  for (let i = 0; i < runs + 2; i++) {
    const begin = performance.now()
    const [value, gradients] = step(refs(params))
    await blockUntilReady([value.ref, gradients.tokens.ref])
    samples.push(performance.now() - begin)
    value.dispose()
    disposeAll(gradients)
  }
  return median(samples.slice(2))
}

function disposeAll(gradients: Params): void {
  gradients.tokens.dispose()
  for (const b of gradients.blocks)
    for (const part of Object.values(b)) {
      part.weight.dispose()
      part.bias.dispose()
    }
}
