import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { tinyConfig } from '../../test/tiny-config.ts'
import { Graph, gradient, type Tensor } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import type { DarConfig } from './config.ts'
import { buildDar } from './dar.ts'
import { stepLosses, total } from './loss.ts'
import { memoryGrid } from './neck.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const tiny = (fields: Record<string, unknown> = {}): DarConfig => tinyConfig({ layers: 3, steps: 3, ...fields })

const SIZE = [32, 48] as const

function built(config: DarConfig, batch = 1) {
  const graph = new Graph()
  const model = buildDar(graph.input('image', [batch, 3, ...SIZE]), config)
  return { graph, model, names: [...graph.parameters.keys()] }
}

async function run(config: DarConfig, { batch = 1, image = numbers(batch * 3 * SIZE[0] * SIZE[1]) } = {}) {
  const { graph, model } = built(config, batch)
  const outputs: Record<string, Tensor> = { depth: model.imageMap }
  for (const [name, value] of model.trace) outputs[`trace/${name}`] = value
  return evaluate(engine, outputs, { image, ...someWeights(graph) })
}

describe('the model', () => {
  test('gives a depth map and σ for every step on the memory grid, and one at the image’s size', () => {
    const { model } = built(tiny(), 2)
    expect(model.stepMaps.map(({ shape }) => shape)).toEqual(Array(3).fill([2, 1, 4, 6]))
    expect(model.sigmas.map(({ shape }) => shape)).toEqual(Array(3).fill([2, 1, 4, 6]))
    expect(model.imageMap.shape).toEqual([2, 1, 32, 48])
    expect(model.nativeMap).toBe(model.stepMaps[2])
  })

  test('names every intermediate', () => {
    const steps = [1, 2, 3].flatMap((k) =>
      [
        'tokens_in',
        'y_out',
        'window_lo',
        'window_hi',
        'centres',
        'f_bin',
        'gru',
        'token_map',
        'prob',
        'depth',
        'sigma',
      ].map((name) => `step${k}.${name}`),
    )
    const four = (name: string, from: number) => [0, 1, 2, 3].map((i) => `${name}${i + from}`)
    const expected = [
      'encoder.embed',
      ...four('encoder.tap', 0),
      ...four('neck.level', 1),
      ...four('neck.path', 1),
      'neck.memory',
      ...steps,
      'output',
      'depth_full',
    ]
    expect([...built(tiny()).model.trace.keys()].sort()).toEqual(expected.sort())
  })

  test('keeps every step inside its window, and windows inside each other', async () => {
    const result = await run(tiny())
    for (let k = 1; k <= 3; k++) {
      const [lo, hi, depth, sigma] = ['window_lo', 'window_hi', 'depth', 'sigma'].map(
        (name) => result[`trace/step${k}.${name}`],
      )
      const within = depth.every((d, i) => d > lo[i] && d < hi[i] && sigma[i] >= 0 && sigma[i] <= (hi[i] - lo[i]) / 2)
      expect(within, `step ${k}`).toBe(true)
      if (k === 1) continue
      const [lo0, hi0] = ['window_lo', 'window_hi'].map((name) => result[`trace/step${k - 1}.${name}`])
      expect(
        lo.every((v, i) => v >= lo0[i] - 1e-5 && hi[i] <= hi0[i] + 1e-5),
        `window ${k}`,
      ).toBe(true)
      expect(lo.every((v, i) => hi[i] - v < 0.2 * (hi0[i] - lo0[i]))).toBe(true)
    }
  })

  test('gives probabilities that add up to one', async () => {
    const result = await run(tiny())
    const p = result['trace/step3.prob']
    const cells = 24
    for (let cell = 0; cell < cells; cell++) {
      let sum = 0
      for (let i = 0; i < 16; i++) sum += p[i * cells + cell]
      expect(sum).toBeCloseTo(1, 5)
    }
  })

  test('gives each image of a batch what it gives it alone', async () => {
    const image = numbers(2 * 3 * SIZE[0] * SIZE[1], 6).map((v, i, all) => (i < all.length / 2 ? v : 3 * v + 1))
    const both = (await run(tiny(), { batch: 2, image })).depth
    const half = image.length / 2
    const [first, second] = [
      (await run(tiny(), { image: image.slice(0, half) })).depth,
      (await run(tiny(), { image: image.slice(half) })).depth,
    ]
    expect(relativeError(both.slice(0, first.length), first)).toBeLessThan(1e-5)
    expect(relativeError(both.slice(first.length), second)).toBeLessThan(1e-5)
    expect(relativeError(first, second)).toBeGreaterThan(1e-4)
  })

  test('is the same in all forms of execution that must agree', async () => {
    expect(relativeError((await run(tiny({ form: 'masked' }))).depth, (await run(tiny())).depth)).toBeLessThan(1e-5)
  })

  test('upsamples by eight in one convex step if asked to', () => {
    const { model } = built(tiny({ upsample: 'convex' }))
    expect(model.nativeMap.shape).toEqual([1, 1, 32, 48])
    expect(model.imageMap.shape).toEqual([1, 1, 32, 48])
  })

  test('takes explicit sizes, with bins on the memory grid or on each step’s own', () => {
    const sizes = [
      [1, 1],
      [2, 3],
      [3, 5],
    ]
    expect(built(tiny({ sizes })).model.stepMaps.map(({ shape }) => shape.slice(2))).toEqual(Array(3).fill([4, 6]))
    expect(built(tiny({ sizes, binGrid: 'step' })).model.stepMaps.map(({ shape }) => shape.slice(2))).toEqual(sizes)
  })

  test('passes a gradient to every parameter', () => {
    for (const fields of [{}, { upsample: 'convex', context: true }, { head: 'transformer' }, { head: 'bins' }]) {
      const { graph, model } = built(tiny(fields))
      const loss = total(stepLosses(model, graph.input('gt', [1, 1, ...SIZE]), tiny(fields)))
      const parameters = [...graph.parameters.values()]
      expect(gradient(loss, parameters).map(({ shape }) => shape)).toEqual(parameters.map(({ shape }) => shape))
    }
  })
})

describe('parameters that a config does not use are not there', () => {
  const groups = (fields: Record<string, unknown>) =>
    [
      ...new Set(
        built(tiny(fields)).names.map((name) => /^(bins\.\w+|upsample|decoder|neck\.projects)/.exec(name)?.[1] ?? ''),
      ),
    ]
      .filter(Boolean)
      .sort()

  test.each<[string, Record<string, unknown>, string[]]>([
    [
      'the paper’s',
      {},
      [
        'bins.bias',
        'bins.encode',
        'bins.gru',
        'bins.head',
        'bins.hidden',
        'bins.level',
        'bins.token',
        'decoder',
        'neck.projects',
      ],
    ],
    [
      'context and convex output',
      { context: true, upsample: 'convex' },
      [
        'bins.bias',
        'bins.context',
        'bins.encode',
        'bins.gru',
        'bins.head',
        'bins.hidden',
        'bins.level',
        'bins.token',
        'decoder',
        'neck.projects',
        'upsample',
      ],
    ],
    [
      'no levels',
      { level: false },
      ['bins.encode', 'bins.gru', 'bins.head', 'bins.hidden', 'bins.token', 'decoder', 'neck.projects'],
    ],
    [
      'transformer',
      { head: 'transformer' },
      ['bins.bias', 'bins.head', 'bins.hidden', 'bins.level', 'bins.token', 'decoder', 'neck.projects'],
    ],
    [
      'bins',
      { head: 'bins' },
      ['bins.bias', 'bins.encode', 'bins.gru', 'bins.head', 'bins.hidden', 'bins.level', 'neck.projects'],
    ],
  ])('%s', (_name, fields, expected) => {
    expect(groups(fields)).toEqual(expected)
  })

  test('a pyramid encoder needs no reassembling in the neck', () => {
    const graph = new Graph()
    buildDar(graph.input('image', [1, 3, 32, 32]), tiny({ encoder: 'mobilenetv2', encoderMultiplier: 0.25 }))
    const neck = [...graph.parameters.keys()].filter((name) => name.startsWith('neck.'))
    expect(neck.some((name) => /projects|resize/.test(name))).toBe(false)
    expect(neck).toContain('neck.reduce.3.weight')
  })
})

test('the memory grid is an eighth of the image, halves rounded up', () => {
  expect(
    [
      [480, 640],
      [490, 644],
      [28, 84],
      [36, 35],
    ].map(([h, w]) => memoryGrid([h, w])),
  ).toEqual([
    [60, 80],
    [61, 81],
    [4, 11],
    [5, 4],
  ])
})
