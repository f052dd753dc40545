/**
 * The tensor compiler's speed, as ratios in one run: a ViT training step and a convolution's backward pass against the
 * matrix-product rate of the same engine, and the same ViT step against jax-js's wasm engine.
 */
import { compile, Graph } from '../src/graph/index.ts'
import * as ops from '../src/graph/ops/index.ts'
import { Engine, type Program } from '../src/runtime/engine.ts'
import { Random } from '../src/support/random.ts'
import { jaxVitStep } from './jax-vit.ts'
import { peakMemory } from './memory.ts'
import { median, type Row } from './report.ts'
import { randomArray, residentStep, VIT, vitFlops } from './vit.ts'

/** Median milliseconds of the engine's run call. */
async function time(program: Program, feeds: Record<string, Float32Array>, runs: number): Promise<number> {
  const samples: number[] = []
  for (let i = 0; i < runs + 2; i++) {
    await program.run(feeds)
    if (i >= 2) samples.push(program.lastMilliseconds)
  }
  return median(samples)
}

/** GFLOP/s of ten chained 1024³ products. */
async function matmulRate(engine: Engine, runs: number): Promise<number> {
  const n = 1024
  const graph = new Graph()
  const a = graph.input('a', [n, n])
  const b = graph.input('b', [n, n])
  let y = ops.matmul(a, b)
  for (let i = 0; i < 9; i++) y = ops.matmul(y, b)
  const program = await engine.load(compile({ corner: ops.slice(ops.slice(y, 0, 0, 1), 1, 0, 1) }, { name: 'matmul' }))
  const value = new Float32Array(n * n).fill(0.01)
  const milliseconds = await time(program, { a: value, b: value }, runs)
  await program.dispose()
  return (10 * 2 * n ** 3) / milliseconds / 1e6
}

/** GFLOP/s of the input and weight gradients of a 3×3 128→128 convolution on 8 maps of 28×28. */
async function convBackwardRate(engine: Engine, runs: number): Promise<number> {
  const [batch, channels, side] = [8, 128, 28]
  const graph = new Graph()
  const x = graph.input('x', [batch, channels, side, side])
  const w = graph.input('w', [channels, channels, 3, 3])
  const dy = graph.input('dy', [batch, channels, side, side])
  const padding = [1, 1, 1, 1] as const
  const dx = ops.convTranspose(dy, w, undefined, { padding, size: [side, side] })
  const dw = ops.convWeight(x, dy, [3, 3], { padding })
  const program = await engine.load(compile({ dx, dw }, { name: 'conv backward' }), {
    boundOutputs: {},
  })
  const random = new Random(2)
  const feeds = {
    x: randomArray(x.size, 1, random),
    w: randomArray(w.size, 0.03, random),
    dy: randomArray(dy.size, 1, random),
  }
  const milliseconds = await time(program, feeds, runs)
  await program.dispose()
  return (2 * 2 * batch * side * side * channels * channels * 9) / milliseconds / 1e6
}

export async function benchEngine({ runs = 9 }: { runs?: number } = {}): Promise<Row[]> {
  await using engine = new Engine({ threads: 2 })
  // Before and after, so that a machine that changes speed in between shows.
  const before = await matmulRate(engine, runs)
  const vit = await residentStep(engine, VIT)
  const vitMs = await time(vit.program, {}, runs)
  await vit.dispose()
  const vitRate = vitFlops(VIT) / vitMs / 1e6
  const convRate = await convBackwardRate(engine, runs)
  const after = await matmulRate(engine, runs)
  const peak = (before + after) / 2
  const jaxMs = await jaxVitStep(VIT, Math.max(2, Math.floor(runs / 3)))
  const memory = await peakMemory({ ...VIT, batch: 16 })
  return [
    { name: 'matmul 1024³ before', value: before, unit: 'GFLOP/s' },
    { name: 'matmul 1024³ after', value: after, unit: 'GFLOP/s' },
    { name: 'ViT step, batch 8', value: vitMs, unit: 'ms' },
    { name: 'ViT step rate', value: vitRate, unit: 'GFLOP/s' },
    { name: 'ViT step / matmul', value: vitRate / peak, unit: 'ratio', target: 0.65 },
    { name: 'conv 3×3 128→128 backward rate', value: convRate, unit: 'GFLOP/s' },
    { name: 'conv backward / matmul', value: convRate / peak, unit: 'ratio', target: 0.6 },
    { name: 'jax-js wasm ViT step, batch 8', value: jaxMs, unit: 'ms' },
    { name: 'speed-up over jax-js wasm', value: jaxMs / vitMs, unit: 'ratio', target: 3 },
    { name: 'peak memory of the ViT step, batch 16', value: memory, unit: 'MiB' },
  ]
}
