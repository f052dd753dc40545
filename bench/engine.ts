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

/** Something to time: one run's work, and how to run it once for the milliseconds inside the engine. */
interface Candidate {
  readonly flops: number
  readonly run: () => Promise<number>
  readonly dispose: () => Promise<void>
}

async function timedRun(program: Program, feeds: Record<string, Float32Array>): Promise<number> {
  await program.run(feeds)
  return program.lastMilliseconds
}

/** Ten chained 1024³ products. */
async function matmulCandidate(engine: Engine): Promise<Candidate> {
  const n = 1024
  const graph = new Graph()
  const a = graph.input('a', [n, n])
  const b = graph.input('b', [n, n])
  let y = ops.matmul(a, b)
  for (let i = 0; i < 9; i++) y = ops.matmul(y, b)
  const program = await engine.load(compile({ corner: ops.slice(ops.slice(y, 0, 0, 1), 1, 0, 1) }, { name: 'matmul' }))
  const value = new Float32Array(n * n).fill(0.01)
  const run = () => timedRun(program, { a: value, b: value })
  return { flops: 10 * 2 * n ** 3, run, dispose: () => program.dispose() }
}

/** Input and weight gradients of a 3×3 128→128 convolution on 8 maps of 28×28, into resident memory. */
async function convCandidate(engine: Engine): Promise<Candidate> {
  const [batch, channels, side] = [8, 128, 28]
  const graph = new Graph()
  const x = graph.input('x', [batch, channels, side, side])
  const w = graph.input('w', [channels, channels, 3, 3])
  const dy = graph.input('dy', [batch, channels, side, side])
  const padding = [1, 1, 1, 1] as const
  const dx = ops.convTranspose(dy, w, undefined, { padding, size: [side, side] })
  const dw = ops.convWeight(x, dy, [3, 3], { padding })
  const buffer = await engine.allocate('conv.gradients', new Float32Array(dx.size + dw.size))
  const program = await engine.load(compile({ dx, dw }, { name: 'conv backward' }), {
    boundOutputs: { dx: buffer.slice(0, dx.size), dw: buffer.slice(dx.size, dw.size) },
  })
  const random = new Random(2)
  const feeds = {
    x: randomArray(x.size, 1, random),
    w: randomArray(w.size, 0.03, random),
    dy: randomArray(dy.size, 1, random),
  }
  const dispose = async () => {
    await program.dispose()
    await buffer.dispose()
  }
  return {
    flops: 2 * 2 * batch * side * side * channels * channels * 9,
    run: () => timedRun(program, feeds),
    dispose,
  }
}

async function vitCandidate(engine: Engine): Promise<Candidate> {
  const { program, dispose } = await residentStep(engine, VIT)
  return { flops: vitFlops(VIT), run: () => timedRun(program, {}), dispose }
}

/**
 * GFLOP/s of every candidate. Candidates run in turn, round by round, because a shared machine changes its speed from
 * second to second and each ratio should compare runs of the same moment.
 */
async function rounds(candidates: readonly Candidate[], runs: number): Promise<number[][]> {
  const rates: number[][] = []
  for (let i = 0; i < runs + 2; i++) {
    const round: number[] = []
    for (const { flops, run } of candidates) {
      // The median of three: in the first run the caches still hold the data of the previous candidate.
      const milliseconds = [await run(), await run(), await run()]
      round.push(flops / median(milliseconds) / 1e6)
    }
    if (i >= 2) rates.push(round)
  }
  return rates
}

export async function benchEngine({ runs = 9 }: { runs?: number } = {}): Promise<Row[]> {
  await using engine = new Engine({ threads: 2 })
  const candidates = [await matmulCandidate(engine), await vitCandidate(engine), await convCandidate(engine)]
  const rates = await rounds(candidates, runs)
  for (const candidate of candidates) await candidate.dispose()
  const [matmul, vit, conv] = candidates.map((_, k) => median(rates.map((round) => round[k])))
  const against = (k: number) => median(rates.map((round) => round[k] / round[0]))
  const vitMs = vitFlops(VIT) / vit / 1e6
  const jaxMs = await jaxVitStep(VIT, 3)
  const memory = await peakMemory({ ...VIT, batch: 16 })
  return [
    { name: 'matmul 1024³', value: matmul, unit: 'GFLOP/s' },
    { name: 'ViT step, batch 8', value: vitMs, unit: 'ms' },
    { name: 'ViT step rate', value: vit, unit: 'GFLOP/s' },
    { name: 'ViT step / matmul', value: against(1), unit: 'ratio', target: 0.65 },
    { name: 'conv 3×3 128→128 backward rate', value: conv, unit: 'GFLOP/s' },
    { name: 'conv backward / matmul', value: against(2), unit: 'ratio', target: 0.6 },
    { name: 'jax-js wasm ViT step, batch 8', value: jaxMs, unit: 'ms' },
    { name: 'speed-up over jax-js wasm', value: jaxMs / vitMs, unit: 'ratio', target: 3 },
    { name: 'peak memory of the ViT step, batch 16', value: memory, unit: 'MiB' },
  ]
}
