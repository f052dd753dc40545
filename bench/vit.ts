/** The ViT training step that the engine is measured with: 12 pre-LN blocks, forward and backward, all in resident buffers. */
import { compile, Graph, gradient, type Tensor } from '../src/graph/index.ts'
import * as ops from '../src/graph/ops/index.ts'
import { layerNorm, mlp, Scope, selfAttention } from '../src/nn/index.ts'
import type { Engine, Program } from '../src/runtime/engine.ts'
import type { BufferSlice } from '../src/runtime/protocol.ts'
import { Random } from '../src/support/random.ts'

export interface VitSize {
  readonly batch: number
  readonly tokens: number
  readonly width: number
  readonly heads: number
  readonly blocks: number
}

export const VIT: VitSize = { batch: 8, tokens: 196, width: 192, heads: 3, blocks: 12 }

/** FLOPs (two per multiply-add) of all matrix products: one forward pass and a backward pass of twice its cost. */
export function vitFlops({ batch, tokens, width, blocks }: VitSize): number {
  const perBlock = tokens * 12 * width * width + 2 * tokens * tokens * width
  return 3 * 2 * batch * blocks * perBlock
}

/** Pre-LN blocks, a mean of squares as the loss, gradients of every parameter and of the tokens. */
function vitGraph(size: VitSize) {
  const graph = new Graph()
  const at = new Scope(graph)
  const input = graph.input('tokens', [size.batch, size.tokens, size.width])
  let x: Tensor = input
  for (let n = 0; n < size.blocks; n++) {
    const block = at.sub('blocks').sub(n)
    x = ops.add(x, selfAttention(block.sub('attn'), layerNorm(block.sub('norm1'), x, 1e-6), size.heads))
    x = ops.add(x, mlp(block.sub('mlp'), layerNorm(block.sub('norm2'), x, 1e-6)))
  }
  const loss = ops.mean(ops.square(x))
  const wrt = [input, ...graph.parameters.values()]
  const outputs: Record<string, Tensor> = { loss }
  gradient(loss, wrt).forEach((dx, i) => {
    outputs[`gradient ${wrt[i].name}`] = dx
  })
  return { compiled: compile(outputs, { name: 'ViT step' }), parameters: [...graph.parameters.values()], input }
}

export function randomArray(length: number, deviation: number, random: Random): Float32Array {
  return Float32Array.from({ length }, () => random.normal(0, deviation))
}

/** Loads the graph with every input, parameter and output resident, and returns how to run one step. */
export async function residentStep(
  engine: Engine,
  size: VitSize,
): Promise<{ program: Program; dispose: () => Promise<void> }> {
  const { compiled, parameters, input } = vitGraph(size)
  const random = new Random(1)
  const values = [input, ...parameters].map((t) => randomArray(t.size, t.rank === 1 ? 1 : 0.05, random))
  const length = values.reduce((sum, v) => sum + v.length, 0)
  const whole = new Float32Array(length)
  const boundInputs: Record<string, BufferSlice> = {}
  const boundOutputs: Record<string, BufferSlice> = {}
  let offset = 0
  for (const [i, t] of [input, ...parameters].entries()) {
    whole.set(values[i], offset)
    boundInputs[t.name] = { buffer: 'vit.values', offset, length: t.size }
    boundOutputs[`gradient ${t.name}`] = { buffer: 'vit.gradients', offset, length: t.size }
    offset += t.size
  }
  const a = await engine.allocate('vit.values', whole)
  const b = await engine.allocate('vit.gradients', new Float32Array(length))
  const program = await engine.load(compiled, { boundInputs, boundOutputs })
  const dispose = async () => {
    await program.dispose()
    await a.dispose()
    await b.dispose()
  }
  return { program, dispose }
}
