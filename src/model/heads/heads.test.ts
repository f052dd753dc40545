import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, NdArray, nd, numbers, relativeError, someWeights } from '../../../test/op-harness.ts'
import { tinyConfig } from '../../../test/tiny-config.ts'
import { Graph, gradient, type Tensor } from '../../graph/index.ts'
import { Engine } from '../../runtime/engine.ts'
import { type DarConfig, parseConfig } from '../config.ts'
import { buildDar } from '../dar.ts'
import { lossTermCount, stepLosses, total, validPixels } from '../loss.ts'
import { dornHead } from './dorn.ts'
import { dptHead } from './dpt.ts'
import type { HeadOutput } from './head.ts'
import { ord2seqHead } from './ord2seq.ts'
import { logCentres, logEdges, logLabel } from './ordinal.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const RANGE = { dMin: 0.5, dMax: 8 }
const config = (fields: Record<string, unknown>): DarConfig =>
  parseConfig({ memoryWidth: 16, neckFeatures: 8, gruWidth: 4, ordinalBins: 5, ...RANGE, ...fields })

const GRID = [2, 3] as const
const SIZE = [5, 6] as const
const COUNT = SIZE[0] * SIZE[1]

/** Ground truth over the whole range, a third of it missing, some of it on the wrong side of the range. */
const truth = (batch: number) =>
  numbers(batch * COUNT, 4).map((v, i) => (i % 3 === 0 ? 0 : 0.2 + (Math.abs(v) / 1.7) * 8.5))

/** A head on maps of its own: builds it, and gives graph, inputs and a loss in float64. */
function stand(c: DarConfig, { batch = 1, float = 'float64' as 'float32' | 'float64' } = {}) {
  const graph = new Graph({ float })
  const { head: chosen } = c
  const x = graph.input('x', [batch, chosen.kind === 'dpt' ? 8 : 16, ...GRID])
  const trace = new Map<string, Tensor>()
  const build = (): HeadOutput => {
    if (chosen.kind === 'dpt') return dptHead(x, SIZE, chosen, c)
    return chosen.kind === 'dorn' ? dornHead(x, SIZE, chosen, c, trace) : ord2seqHead(x, SIZE, c, trace)
  }
  const head = build()
  const gt = graph.input('gt', [batch, 1, ...SIZE])
  const terms = head.ownLosses?.(gt, validPixels(gt, c.dMax)) ?? []
  const weights = someWeights(graph, 2)
  // Embeddings as large as what they are added to, and no preference for a side, so that pixels take different paths.
  if (chosen.kind === 'ord2seq') {
    weights['head.embed.weight'] = weights['head.embed.weight'].map((v) => 50 * v)
    weights['head.decision.bias'] = new Float64Array([-0.1])
  }
  const feeds = { x: numbers(x.size, 3), gt: truth(batch), ...weights }
  return { graph, head, trace, terms, feeds, gt, x }
}

describe('ordered classes', () => {
  test('have thresholds evenly spaced in log depth from dmin to dmax, and centres between them', () => {
    const edges = logEdges(RANGE, 4)
    expect(edges.map((t) => Math.log2(t))).toEqual([-1, 0, 1, 2, 3].map((v) => expect.closeTo(v, 12)))
    expect(logCentres(RANGE, 4)).toEqual([0.75, 1.5, 3, 6].map((v) => expect.closeTo(v, 12)))
  })

  test('take in the depths between their thresholds; what is outside the range goes to the ends', async () => {
    const graph = new Graph({ float: 'float64' })
    const gt = graph.input('gt', [6])
    const label = logLabel(gt, validPixels(gt, 80), RANGE, 4)
    const result = await evaluate(engine, { label }, { gt: [0.01, 0.51, 1.01, 3.99, 7.99, 20] })
    expect([...result.label]).toEqual([0, 0, 1, 2, 3, 3])
  })

  test('are numbers also where nothing was measured', async () => {
    const graph = new Graph()
    const gt = graph.input('gt', [4])
    const label = logLabel(gt, validPixels(gt, 8), RANGE, 4)
    const bad = [0, -1, Number.NaN, Number.POSITIVE_INFINITY]
    expect([...(await evaluate(engine, { label }, { gt: bad })).label]).toEqual([0, 0, 0, 0])
  })
})

const HEADS = ['dpt', 'dorn', 'ord2seq'] as const

describe.each(HEADS)('the head %s', (head) => {
  test('answers at the image’s size, inside the range', async () => {
    const { head: built, feeds } = stand(config({ head }), { batch: 2 })
    expect(built.depth.shape).toEqual([2, 1, ...SIZE])
    const { gt: _, ...rest } = feeds
    const { depth } = await evaluate(engine, { depth: built.depth }, rest)
    expect(depth.every((d) => d > 0 && d < RANGE.dMax)).toBe(true)
    expect(new Set(depth).size).toBeGreaterThan(2)
  })

  test('is a model that the trainer can train: as many terms as it says, and a gradient for every parameter', () => {
    const c = tinyConfig({ head })
    const graph = new Graph()
    const model = buildDar(graph.input('image', [1, 3, 32, 48]), c)
    expect([model.stepMaps, model.sigmas.length]).toEqual([[model.nativeMap], 0])
    expect(model.nativeMap).toBe(model.imageMap)
    const terms = stepLosses(model, graph.input('gt', [1, 1, 20, 30]), c)
    expect(terms).toHaveLength(lossTermCount(c))
    const parameters = [...graph.parameters.values()]
    expect(gradient(total(terms), parameters).map(({ shape }) => shape)).toEqual(parameters.map(({ shape }) => shape))
    const groups = new Set(parameters.map(({ name }) => name.split('.')[0]))
    expect([...groups].sort()).toEqual(['encoder', 'head', 'neck'])
    expect(parameters.some(({ name }) => name.startsWith('neck.memory'))).toBe(head !== 'dpt') // it reads no memory
  })
})

describe.each(['dorn', 'ord2seq'] as const)('the loss of %s', (head) => {
  test('has the gradient of central differences', async () => {
    const { graph, terms, feeds } = stand(config({ head }))
    const loss = total(terms)
    const names = [...graph.parameters.keys()]
    const gradients = gradient(
      loss,
      names.map((name) => graph.parameters.get(name)!),
    )
    const exact = await evaluate(engine, Object.fromEntries(names.map((name, i) => [`d ${name}`, gradients[i]])), feeds)
    const numeric = await differences(engine, loss, feeds, names, 1e-5)
    for (const name of names) expect(relativeError(exact[`d ${name}`], numeric[name]), name).toBeLessThan(1e-5)
  })

  test('and its gradient are 0 without a valid pixel', async () => {
    const { graph, terms, feeds } = stand(config({ head }), { float: 'float32' })
    const loss = total(terms)
    const parameters = [...graph.parameters.values()]
    const outputs: Record<string, Tensor> = { loss }
    gradient(loss, parameters).forEach((g, i) => {
      outputs[`d ${parameters[i].name}`] = g
    })
    const result = await evaluate(engine, outputs, { ...feeds, gt: feeds.gt.map(() => 0) })
    for (const [name, values] of Object.entries(result))
      expect(
        values.every((v) => v === 0),
        name,
      ).toBe(true)
  })
})

/** Bilinear resize of half-pixel centres, in plain loops. */
function bilinear(map: NdArray, [h, w]: readonly [number, number]): NdArray {
  const [b, c, rows, cols] = map.shape
  const place = (i: number, n: number, from: number) => {
    const at = Math.min(Math.max(((i + 0.5) * from) / n - 0.5, 0), from - 1)
    const low = Math.min(Math.floor(at), from - 1)
    return { low, high: Math.min(low + 1, from - 1), share: at - low }
  }
  return nd([b, c, h, w], (n, k, i, j) => {
    const [y, x] = [place(i, h, rows), place(j, w, cols)]
    const row = (r: number) => map.at(n, k, r, x.low) * (1 - x.share) + map.at(n, k, r, x.high) * x.share
    return row(y.low) * (1 - y.share) + row(y.high) * y.share
  })
}

test('dorn counts the thresholds that are passed, and scores each as a decision', async () => {
  const c = config({ head: 'dorn' })
  const { head, trace, terms, feeds } = stand(c)
  const result = await evaluate(engine, { depth: head.depth, loss: terms[0], logits: trace.get('logits')! }, feeds)
  const logits = bilinear(new NdArray([1, 10, ...GRID], result.logits), SIZE)
  const [edges, centres] = [logEdges(RANGE, 5), logCentres(RANGE, 5)]
  const p = (i: number, y: number, x: number) => {
    const [z0, z1] = [logits.at(0, 2 * i, y, x), logits.at(0, 2 * i + 1, y, x)]
    return Math.exp(z1) / (Math.exp(z0) + Math.exp(z1)) // the softmax over a threshold's two logits
  }
  const [scores, depths]: number[][] = [[], []]
  for (let y = 0; y < SIZE[0]; y++)
    for (let x = 0; x < SIZE[1]; x++) {
      const passed = [0, 1, 2, 3, 4].filter((i) => p(i, y, x) >= 0.5).length
      depths.push(centres[Math.min(passed, 4)])
      const gt = feeds.gt[y * SIZE[1] + x]
      if (!(gt > 1e-3 && gt < RANGE.dMax)) continue
      const label = Math.min(
        Math.max(
          edges.findLastIndex((t) => t <= gt),
          0,
        ),
        4,
      )
      scores.push([0, 1, 2, 3, 4].reduce((sum, i) => sum - Math.log(i < label ? p(i, y, x) : 1 - p(i, y, x)), 0))
    }
  expect([...result.depth]).toEqual(depths.map((d) => expect.closeTo(d, 10)))
  expect(result.loss[0]).toBeCloseTo(scores.reduce((a, b) => a + b) / scores.length, 10)
})

/** ord2seq pixel by pixel, as its formula says, on features that were resized first: the leaf, and the six logits of a path. */
function walk(values: Readonly<Record<string, Float64Array>>, features: NdArray, y: number, x: number) {
  const g = 4
  const logit = (j: number, prefix: number) => {
    const node = 2 ** j - 1 + prefix
    const inner = Array.from(
      { length: g },
      (_, k) => features.at(0, k, y, x) + values['head.embed.weight'][node * g + k],
    )
    const hidden = Array.from({ length: g }, (_, o) =>
      Math.max(
        inner.reduce((sum, v, k) => sum + v * values['head.hidden.weight'][o * g + k], values['head.hidden.bias'][o]),
        0,
      ),
    )
    return hidden.reduce((sum, v, o) => sum + v * values['head.decision.weight'][o], values['head.decision.bias'][0])
  }
  let leaf = 0
  for (let j = 0; j < 6; j++) leaf = 2 * leaf + Number(logit(j, leaf) >= 0)
  return { leaf, forced: (of: number) => [0, 1, 2, 3, 4, 5].map((j) => logit(j, of >> (6 - j))) }
}

test('ord2seq descends by its own decisions at inference, and is led by the label in training', async () => {
  const c = config({ head: 'ord2seq' })
  const { head, trace, terms, feeds } = stand(c)
  const losses = Object.fromEntries(terms.map((term, j) => [`loss${j}`, term]))
  const result = await evaluate(engine, { depth: head.depth, f: trace.get('features')!, ...losses }, feeds)
  const features = bilinear(new NdArray([1, 4, ...GRID], result.f), SIZE)
  const [edges, centres] = [logEdges(RANGE, 64), logCentres(RANGE, 64)]
  const depths: number[] = []
  const scores: number[][] = []
  for (let y = 0; y < SIZE[0]; y++)
    for (let x = 0; x < SIZE[1]; x++) {
      const { leaf, forced } = walk(feeds as never, features, y, x)
      depths.push(centres[leaf])
      const gt = feeds.gt[y * SIZE[1] + x]
      if (!(gt > 1e-3 && gt < RANGE.dMax)) continue
      const label = Math.min(
        Math.max(
          edges.findLastIndex((t) => t <= gt),
          0,
        ),
        63,
      )
      scores.push(
        forced(label).map((z, j) => {
          const p = 1 / (1 + Math.exp(-z))
          return -Math.log((label >> (5 - j)) & 1 ? p : 1 - p)
        }),
      )
    }
  expect(new Set(depths).size).toBeGreaterThan(4)
  expect([...result.depth]).toEqual(depths.map((d) => expect.closeTo(d, 10)))
  for (let j = 0; j < 6; j++)
    expect(result[`loss${j}`][0]).toBeCloseTo(scores.reduce((sum, s) => sum + s[j], 0) / scores.length, 10)
})
