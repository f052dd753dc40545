import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { tinyConfig } from '../../test/tiny-config.ts'
import { Graph, gradient, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { binTerm } from './bin-term.ts'
import type { DarOutput } from './dar.ts'
import { dornHead, type HeadOutput, ord2seqHead } from './heads/index.ts'
import { extraTerms, type LossOptions, stepLosses, teacherLoss, total } from './loss.ts'
import type { Pool } from './pool.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const IMAGES = 4
const SIZE = [9, 10] as const
const PIXELS = SIZE[0] * SIZE[1]
const imageOf = (i: number) => Math.floor(i / PIXELS)

const X = Float64Array.from(numbers(IMAGES * 2 * PIXELS, 2), (v) => 0.5 + 0.3 * v)
/** Of the first image everything is measured, of the second a third, of the others nothing. */
const DEPTH = Float64Array.from(numbers(IMAGES * PIXELS, 5), (v, i) =>
  imageOf(i) === 0 || (imageOf(i) === 1 && i % 3 === 0) ? 1 + Math.abs(v) : 0,
)
/** The others are a teacher's: wrong metres, about the right shape. */
const TAUGHT = Float64Array.from(X.subarray(0, IMAGES * PIXELS), (_, i) =>
  imageOf(i) >= 2 ? 1.5 * Math.exp(X[i + (imageOf(i) + 1) * PIXELS]) + 0.2 * Math.abs(X[i]) : 0,
)

type Loss = (x: Tensor, depth: Tensor, taught: Tensor, pool: Pool) => Tensor

/** Of two maps. */
const steps =
  (options: LossOptions): Loss =>
  (x, depth, taught, pool) => {
    const stepMaps = ops.split(ops.exp(x), 1, [1, 1])
    const [, last] = stepMaps
    const maps = { stepMaps, nativeMap: last, imageMap: last }
    const built: DarOutput = { ...maps, sigmas: [], hidden: [], trace: new Map(), ownLosses: null }
    const config = tinyConfig()
    return total([
      ...stepLosses(built, depth, config, options, pool),
      ...extraTerms(built, depth, config, options, pool),
      ...(options.teacher ? [teacherLoss(built, taught, options, pool)] : []),
    ])
  }

/** Of a head on feature maps. */
const head =
  (build: (x: Tensor) => HeadOutput): Loss =>
  (x, depth, _taught, pool) =>
    total(build(x).ownLosses?.(depth, ops.greater(depth, 0), pool) ?? [])

describe.each<[string, Loss]>([
  ['the scale-invariant terms', steps({ varianceFocus: 0.85 })],
  ['with the term of edges', steps({ edges: 0.3 })],
  ['of bins', (x, depth, _taught, pool) => binTerm(x, depth, ops.greater(depth, 0), { dMin: 0.1, dMax: 10 }, pool)],
  ['with the term of a teacher', steps({ teacher: 0.4 })],
  ['of one that is believed up to scale', steps({ teacher: 0.4, teacherFit: 'scale' })],
  ['dorn', head((x) => dornHead(x, SIZE, { kind: 'dorn', bins: 6 }, tinyConfig(), new Map()))],
  ['ord2seq', head((x) => ord2seqHead(x, SIZE, tinyConfig({ head: 'ord2seq' }), new Map()))],
])('the loss: %s', (_name, loss) => {
  /** Of the images from `from` to before `to`. `sums`: those of the whole batch; default: the images are the batch. */
  async function run(from: number, to: number, sums?: ArrayLike<number>) {
    const graph = new Graph({ float: 'float64' })
    const of = (name: string, channels: number) => graph.input(name, [to - from, channels, ...SIZE])
    const x = of('x', 2)
    const own: Tensor[] = []
    const sum = loss(x, of('depth', 1), of('taught', 1), (one) => {
      own.push(ops.reshape(one, [1]))
      return sums ? ops.withValue(one, graph.scalar(sums[own.length - 1])) : one
    })
    const [slope] = gradient(sum, [x])
    const part = (all: Float64Array) => all.slice((from * all.length) / IMAGES, (to * all.length) / IMAGES)
    const feeds = { x: part(X), depth: part(DEPTH), taught: part(TAUGHT), ...someWeights(graph) }
    return evaluate(engine, { sum, slope, sums: ops.concat(own, 0) }, feeds)
  }

  it('and its gradient are those of the batch when it is computed in parts that differ', async () => {
    const whole = await run(0, IMAGES)
    const cuts = [0, 1, 2, IMAGES]
    const pieces = cuts.slice(1).map((to, i) => [cuts[i], to] as const)
    const apart = await Promise.all(pieces.map(([from, to]) => run(from, to)))
    const sums = Float64Array.from(whole.sums, (_, i) => apart.reduce((sum, part) => sum + part.sums[i], 0))
    expect(relativeError(sums, whole.sums)).toBeLessThan(1e-14)
    const together = await Promise.all(pieces.map(([from, to]) => run(from, to, sums)))
    for (const { sum } of together) expect(Math.abs(sum[0] / whole.sum[0] - 1)).toBeLessThan(1e-14)
    const slopes = (parts: typeof together) => Float64Array.from(parts.flatMap(({ slope }) => [...slope]))
    expect(relativeError(slopes(together), whole.slope)).toBeLessThan(1e-13)
    // Each part with a loss of its own is something else, not only by a factor.
    const mean = slopes(apart).map((v) => v / pieces.length)
    expect(relativeError(mean, whole.slope)).toBeGreaterThan(0.01)
  })
})
