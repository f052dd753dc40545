/**
 * Parity of the single pieces with the independent reference: values, and the gradients of Σ output·cotangent in inputs and
 * parameters. Tolerance 1e-5 of a tensor's largest entry, as the reference states for pieces.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Graph, gradient, type Tensor } from '../../src/graph/index.ts'
import * as ops from '../../src/graph/ops/index.ts'
import { parseConfig } from '../../src/model/config.ts'
import { stepMask } from '../../src/model/decoder.ts'
import { logEdges, logLabel } from '../../src/model/heads/ordinal.ts'
import { silogLoss, validPixels } from '../../src/model/loss.ts'
import { binCentres, binWidth, nextWindow } from '../../src/model/mtbin.ts'
import { fuse, memoryGrid, remember } from '../../src/model/neck.ts'
import { positionCode, stepSizes } from '../../src/model/steps.ts'
import { convexUpsample } from '../../src/model/upsample.ts'
import { defaultTaps } from '../../src/model/vit.ts'
import { crossAttention, memoryKeyValues, Scope, SepConvGru, selfAttention } from '../../src/nn/index.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { evaluate } from '../op-harness.ts'
import { type PieceFixture, pieceFixture, relativeError } from './fixture.ts'

const TOLERANCE = 1e-5

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

type Inputs = Record<string, Tensor>

/**
 * Builds a piece of the inputs of its fixture, and compares everything that the fixture holds of it. `prefix` stands before
 * the fixture's parameter names in ours; `outputs` are named as in the fixture's trace.
 */
async function check(
  file: PieceFixture,
  build: (inputs: Inputs, graph: Graph) => Record<string, Tensor>,
  prefix = '',
): Promise<void> {
  const graph = new Graph()
  const inputs: Inputs = {}
  const feeds: Record<string, Float64Array> = {}
  for (const [key, { shape, values }] of file) {
    const [kind, name] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)]
    if (kind === 'input') inputs[name] = graph.input(key, shape)
    if (kind === 'input') feeds[key] = values
    if (kind === 'param') feeds[prefix + name] = values
  }
  const results = Object.fromEntries(Object.entries(build(inputs, graph)).map(([name, y]) => [`trace/${name}`, y]))
  expect([...graph.parameters.keys()].map((name) => `param/${name.slice(prefix.length)}`).sort()).toEqual(
    [...file.keys()].filter((key) => key.startsWith('param/')).sort(),
  )
  const outputs: Record<string, Tensor> = { ...results }
  const terms = [...file].flatMap(([key, { shape, values }]) =>
    key.startsWith('cotangent/')
      ? [ops.sum(ops.mul(results[key.replace('cotangent', 'trace')], graph.constant([...values], shape)))]
      : [],
  )
  if (terms.length > 0) {
    const wrt = [...file.keys()].flatMap((key): [string, Tensor][] => {
      if (key.startsWith('grad_input/')) return [[key, inputs[key.slice('grad_input/'.length)]]]
      if (key.startsWith('grad/')) return [[key, graph.parameters.get(prefix + key.slice('grad/'.length))!]]
      return []
    })
    const gradients = gradient(
      terms.reduce((a, b) => ops.add(a, b)),
      wrt.map(([, t]) => t),
    )
    wrt.forEach(([key], i) => {
      outputs[key] = gradients[i]
    })
  }
  const actual = await evaluate(engine, outputs, feeds)
  const wanted = [...file.keys()].filter((key) => /^(trace|grad|grad_input)\//.test(key))
  expect(Object.keys(actual).sort()).toEqual(wanted.sort())
  const errors = wanted.map((key) => [key, relativeError(actual[key], file.get(key)!.values)] as const)
  expect(errors.filter(([, error]) => !(error <= TOLERANCE))).toEqual([])
}

/** The entries of a fixture whose names pass. */
const part = (file: PieceFixture, keep: (key: string) => boolean): PieceFixture =>
  new Map([...file].filter(([key]) => keep(key)))

describe('the ConvGRU', () => {
  test('with one input', async () => {
    const file = await pieceFixture('gru')
    await check(file, ({ h, x }, graph) => ({ out: new SepConvGru(new Scope(graph), 6, 10).step(h, x) }))
  })

  test('with part of its input given once, as context', async () => {
    const file = await pieceFixture('gru')
    await check(file, ({ h, x }, graph) => {
      const gru = new SepConvGru(new Scope(graph), 6, 4, ops.slice(x, 1, 4))
      return { out: gru.step(h, ops.slice(x, 1, 0, 4)) }
    })
  })
})

test('attention: to itself with and without the step mask, and to memory', async () => {
  const file = await pieceFixture('attention')
  const counts = [2, 6, 12]
  const mask = stepMask(new Graph(), counts)
  const allowed =
    mask.source.kind === 'constant' ? [...(mask.source.data as Float32Array)].map((v) => Number(v === 0)) : []
  expect(allowed).toEqual([...file.get('trace/allowed')!.values])
  await check(
    part(file, (key) => key !== 'trace/allowed'),
    ({ x, memory }, graph) => {
      const [self, cross] = ['self_attn', 'cross_attn'].map((name) => new Scope(graph, name))
      return {
        self: selfAttention(self, x, 3),
        self_masked: selfAttention(self, x, 3, { mask: stepMask(graph, counts) }),
        cross: crossAttention(cross, x, memoryKeyValues(cross, memory, 24), 3),
      }
    },
  )
})

test('the neck, on an odd patch grid', async () => {
  const config = parseConfig({
    encoderWidth: 32,
    encoderHeads: 2,
    neckFeatures: 16,
    neckChannels: [8, 12, 16, 24],
    memoryWidth: 32,
  })
  await check(
    await pieceFixture('neck'),
    ({ tap0, tap1, tap2, tap3 }, graph) => {
      const trace = new Map<string, Tensor>()
      const paths = fuse(graph, [tap0, tap1, tap2, tap3], config, trace)
      remember(graph, paths, [42, 70], config, trace)
      return Object.fromEntries([...trace].map(([name, value]) => [name.replace('neck.', ''), value]))
    },
    'neck.',
  )
})

test('resize: every mode, up, down and to awkward ratios', async () => {
  const file = await pieceFixture('resize')
  await check(file, ({ map }) =>
    Object.fromEntries(
      [...file].flatMap(([key, { shape }]) => {
        const found = /^trace\/(bicubic|bilinear|nearest)_/.exec(key)
        return found
          ? [[key.slice('trace/'.length), ops.resize(map, [shape[2], shape[3]], found[1] as ops.ResizeMode)]]
          : []
      }),
    ),
  )
})

test('convex upsampling', async () => {
  await check(await pieceFixture('convex'), ({ depth, logits }) => ({
    out: convexUpsample(depth, logits, { factor: 8 }),
  }))
})

test('the loss: golden vector, every kind of invalid pixel, no valid pixel', async () => {
  const file = await pieceFixture('loss')
  await check(file, ({ golden_depth, golden_gt, depth, gt, gt_none }) => {
    const fine = ops.resize(depth, [9, 10])
    return {
      golden_loss: silogLoss(golden_depth, golden_gt, validPixels(golden_gt, 80)),
      loss: silogLoss(fine, gt, validPixels(gt, 10)),
      loss_none: silogLoss(fine, gt_none, validPixels(gt_none, 10)),
      valid: validPixels(gt, 10),
    }
  })
})

describe('ordered classes', () => {
  const ranges = { nyu: { dMin: 0.1, dMax: 10 }, kitti: { dMin: 0.1, dMax: 80 } }
  test.each([
    ['dorn', 'nyu', 68],
    ['dorn', 'kitti', 68],
    ['ord2seq', 'nyu', 64],
  ] as const)('thresholds and labels of %s on %s, %i classes', async (head, data, count) => {
    const file = await pieceFixture('ordinal')
    const edges = file.get(`trace/${head}_${data}_edges`)!.values
    expect(relativeError(logEdges(ranges[data], count), edges)).toBeLessThan(1e-6)
    const { shape, values } = file.get('input/gt')!
    const graph = new Graph()
    const gt = graph.input('gt', shape)
    const label = logLabel(gt, validPixels(gt, ranges[data].dMax), ranges[data], count)
    const result = await evaluate(engine, { label }, { gt: values })
    const wanted = file.get(`trace/${head}_${data}_labels`)!.values
    const counts = [...values].map((v) => v > 1e-3 && v < ranges[data].dMax)
    const ofValid = (labels: ArrayLike<number>) => Array.from(labels).filter((_, i) => counts[i])
    expect(ofValid(result.label)).toEqual(ofValid(wanted))
    expect(counts.filter(Boolean).length).toBeGreaterThan(3)
  })
})

describe('the multiway tree bins', () => {
  test('in the table of docs/algorithm.md', async () => {
    const file = part(await pieceFixture('mtbin'), (key) => key.includes('/table_'))
    const config = parseConfig({})
    await check(file, ({ table_depth: d }) => {
      const window = { lo: ops.full(d, d.shape, 0.1), hi: ops.full(d, d.shape, 10) }
      const { lo, hi } = nextWindow(window, d, d, config)
      const bin = ops.floor(ops.div(ops.sub(d, window.lo), binWidth(window, 16)))
      return {
        table_bin: bin,
        table_lo: lo,
        table_hi: hi,
        table_width: binWidth({ lo, hi }, 16),
        table_centres: binCentres({ lo, hi }, 16),
      }
    })
  })

  test.each(['paper', 'neighbourhood', 'elastic', 'fixed'] as const)(
    'with the window «%s», and moved to another grid',
    async (window) => {
      const file = part(
        await pieceFixture('mtbin'),
        (key) => !key.includes('/table_') && (key.startsWith('input/') || key.includes(`/${window}_`)),
      )
      await check(file, ({ lo, hi, depth, sigma }) => {
        const next = nextWindow({ lo, hi }, depth, sigma, parseConfig({ window }))
        const moved = (map: Tensor) => ops.resize(map, [7, 9], 'nearest')
        return {
          [`${window}_lo`]: next.lo,
          [`${window}_hi`]: next.hi,
          [`${window}_lo_7x9`]: moved(next.lo),
          [`${window}_hi_7x9`]: moved(next.hi),
        }
      })
    },
  )
})

describe('positions and sizes', () => {
  const wanted = [
    'code_1x1_16',
    'code_2x3_32',
    'code_5x4_192',
    'sizes_60x80_5',
    'sizes_7x11_4',
    'sizes_44x152_5',
    'sizes_1x3_3',
    'taps_4',
    'taps_6',
    'taps_12',
    'taps_24',
    'memory_grid_480x640',
    'memory_grid_490x644',
    'memory_grid_476x630',
    'memory_grid_28x84',
    'memory_grid_352x1216',
  ]
  test('are all of the fixture', async () => {
    expect([...(await pieceFixture('position')).keys()].sort()).toEqual(wanted.map((name) => `trace/${name}`).sort())
  })

  test.each(wanted)('%s', async (name) => {
    const { values } = (await pieceFixture('position')).get(`trace/${name}`)!
    const [kind, size, count] = name.replace('memory_grid', 'grid').split('_')
    const [h, w] = size.split('x').map(Number)
    if (kind === 'code') expect(relativeError(positionCode([h, w], Number(count)), values)).toBeLessThan(1e-6)
    if (kind === 'sizes') expect(stepSizes([h, w], Number(count)).flat()).toEqual([...values])
    if (kind === 'taps') expect(defaultTaps(h)).toEqual([...values])
    if (kind === 'grid') expect(memoryGrid([h, w])).toEqual([...values])
  })
})
