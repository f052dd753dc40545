/**
 * Where the work and time of a prediction go, for the two small presets: the three execution forms of the decoder, the
 * K steps, the parts, and growth with the image. Times are of the network alone at random weights, on two threads.
 *
 * A part or step is timed by difference. Programs that end after the encoder, the neck, step 1, … step K are run in
 * turn, and each part costs what its program takes longer than the one before. A result below 0 is noise. The fastest
 * of several rounds counts, since other work on a machine only adds time. FLOPs are counted from the graphs
 * (src/graph/cost.ts).
 */
import { compile, type Tensor, totalFlops } from '../src/graph/index.ts'
import { type DarConfig, imageMultiple, inferenceGraph, PRESETS, parseConfig } from '../src/model/index.ts'
import { networkSize } from '../src/predict/index.ts'
import { Engine, type Program } from '../src/runtime/engine.ts'
import { Random } from '../src/support/random.ts'
import { initialise, layoutOf } from '../src/train/parameters.ts'
import type { Row } from './report.ts'
import { randomArray } from './vit.ts'

const THREADS = 2
const FORMS = ['cached', 'masked', 'unmasked'] as const
/** From 288×224 to 896×672 in four steps; all are multiples of 32. */
const SIZES = [
  { width: 288, height: 224 },
  { width: 448, height: 320 },
  { width: 608, height: 448 },
  { width: 896, height: 672 },
] as const

interface Size {
  readonly width: number
  readonly height: number
}

interface Candidate {
  readonly name: string
  readonly flops: number
  readonly program: Program
  readonly image: Float32Array
  best: number
}

/** The graph up to what `choose` picks of the trace, with random weights in it. */
async function candidate(
  engine: Engine,
  name: string,
  config: DarConfig,
  size: Size,
  choose: (trace: ReadonlyMap<string, Tensor>) => readonly Tensor[],
): Promise<Candidate> {
  const { width, height } = networkSize(size, size, imageMultiple(config))
  const { graph, model } = inferenceGraph(config, { width, height })
  const outputs = choose(model.trace)
  const layout = layoutOf(graph.parameters.values())
  const all = initialise(layout, 1)
  const values = new Map(layout.entries.map((e) => [e.name, all.subarray(e.offset, e.offset + e.length)] as const))
  const program = await engine.load(
    compile(Object.fromEntries(outputs.map((tensor, i) => [`o${i}`, tensor])), {
      name,
      weights: { kind: 'embedded', values },
    }),
  )
  return {
    name,
    flops: totalFlops(outputs),
    program,
    image: randomArray(3 * height * width, 0.3, new Random(1)),
    best: Number.POSITIVE_INFINITY,
  }
}

/** Runs every candidate in turn, `rounds` times. The fastest round counts, so no warm-up is needed. */
async function race(candidates: readonly Candidate[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const one of candidates) {
      await one.program.run({ image: one.image }, { fetch: one.program.outputs.map(({ name }) => name) })
      one.best = Math.min(one.best, one.program.lastMilliseconds)
    }
  for (const { program } of candidates) await program.dispose()
}

const last = (trace: ReadonlyMap<string, Tensor>): readonly Tensor[] => [trace.get('output') as Tensor]

/** Times and FLOPs of the three forms, each also as a multiple of `cached`. */
async function forms(engine: Engine, preset: string, size: Size, rounds: number): Promise<Row[]> {
  const candidates: Candidate[] = []
  for (const form of FORMS)
    candidates.push(await candidate(engine, form, parseConfig({ ...PRESETS[preset], form }), size, last))
  await race(candidates, rounds)
  const [cached] = candidates
  const title = `${preset} ${size.width}×${size.height}`
  return candidates.flatMap(({ name, best, flops }) => [
    { name: `${title}, ${name}`, value: best, unit: 'ms' },
    { name: `${title}, ${name}: work`, value: flops / 1e9, unit: 'GFLOP' },
    ...(name === 'cached'
      ? []
      : [
          { name: `${title}, ${name} / cached: time`, value: best / cached.best, unit: 'ratio' },
          { name: `${title}, ${name} / cached: work`, value: flops / cached.flops, unit: 'ratio' },
        ]),
  ])
}

/** Time and work of encoder, neck, each step, and what comes after, as shares of the whole. */
async function parts(engine: Engine, preset: string, size: Size, rounds: number): Promise<Row[]> {
  const config = PRESETS[preset]
  const ends: (readonly [string, (trace: ReadonlyMap<string, Tensor>) => readonly Tensor[]])[] = [
    ['encoder', (trace) => [...trace].flatMap(([name, tensor]) => (name.startsWith('encoder.tap') ? [tensor] : []))],
    ['neck', (trace) => [trace.get('neck.memory') as Tensor]],
    ...Array.from({ length: config.steps }, (_, i) => {
      const end = (trace: ReadonlyMap<string, Tensor>) => [trace.get(`step${i + 1}.depth`) as Tensor]
      return [`step ${i + 1}`, end] as const
    }),
    ['upsampling', last],
  ]
  const candidates: Candidate[] = []
  for (const [name, end] of ends) candidates.push(await candidate(engine, name, config, size, end))
  await race(candidates, rounds)
  const whole = candidates[candidates.length - 1]
  const title = `${preset} ${size.width}×${size.height}`
  return candidates.flatMap(({ name, best, flops }, i) => {
    const before = i === 0 ? { best: 0, flops: 0 } : candidates[i - 1]
    return [
      { name: `${title}, ${name}`, value: best - before.best, unit: 'ms' },
      {
        name: `${title}, ${name}: share of time`,
        value: (100 * (best - before.best)) / whole.best,
        unit: '%',
      },
      { name: `${title}, ${name}: share of work`, value: (100 * (flops - before.flops)) / whole.flops, unit: '%' },
    ]
  })
}

/** Time and work against the number of pixels, with the exponent p of a fit time = c·pixels^p. */
async function growth(engine: Engine, preset: string, sizes: readonly Size[], rounds: number): Promise<Row[]> {
  const rows: Row[] = []
  const points: { pixels: number; ms: number; flops: number }[] = []
  for (const size of sizes) {
    const one = await candidate(engine, preset, PRESETS[preset], size, last)
    await race([one], rounds)
    const { width, height } = size
    points.push({ pixels: width * height, ms: one.best, flops: one.flops })
    rows.push(
      { name: `${preset} at ${width}×${height}`, value: one.best, unit: 'ms' },
      { name: `${preset} at ${width}×${height}: work`, value: one.flops / 1e9, unit: 'GFLOP' },
    )
  }
  const exponent = (of: (point: (typeof points)[number]) => number) =>
    slope(points.map((point) => [Math.log(point.pixels), Math.log(of(point))]))
  return [
    ...rows,
    { name: `${preset}, time ∝ pixels^p: p`, value: exponent(({ ms }) => ms), unit: 'exponent' },
    { name: `${preset}, work ∝ pixels^p: p`, value: exponent(({ flops }) => flops), unit: 'exponent' },
  ]
}

/** Of the least-squares line through the points. */
export function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (i: 0 | 1) => points.reduce((sum, point) => sum + point[i], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const covariance = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return covariance / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}

interface Options {
  readonly rounds?: number
  readonly presets?: readonly string[]
  /** The first size is the one of the forms and parts. */
  readonly sizes?: readonly Size[]
}

export async function benchModel({
  rounds = 2,
  presets = ['dar-nano', 'dar-lite'],
  sizes = SIZES,
}: Options = {}): Promise<Row[]> {
  await using engine = new Engine({ threads: THREADS })
  const rows: Row[] = []
  for (const preset of presets) rows.push(...(await forms(engine, preset, sizes[0], rounds)))
  for (const preset of presets) rows.push(...(await parts(engine, preset, sizes[0], rounds)))
  rows.push(...(await growth(engine, presets[0], sizes, 1)))
  return rows
}
