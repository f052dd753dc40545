/**
 * Every part of the model that a config can switch off, one at a time: a part whose weights are neutral does what the
 * switched-off model does, and a part whose weights are not does something else.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { TINY_VIT, tinyConfig, tinyMobile } from '../../test/tiny-config.ts'
import { Graph, type Tensor } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import type { DarConfig } from './config.ts'
import { buildDar } from './dar.ts'
import { stepLosses } from './loss.ts'
import { positionCode } from './steps.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const SIZE = [24, 40] as const
const { memoryWidth: M, gruWidth: G } = TINY_VIT
const tiny = (fields: Record<string, unknown> = {}): DarConfig =>
  tinyConfig({ posGrid: [3, 5], layers: 3, steps: 3, ...fields })

type Weights = Record<string, Float64Array>

function build(config: DarConfig) {
  const graph = new Graph()
  const model = buildDar(graph.input('image', [1, 3, ...SIZE]), config)
  return { graph, model, names: new Set(graph.parameters.keys()) }
}

/** Random weights of a config; what the heads say is made louder, so that windows move. */
function weightsOf(config: DarConfig): Weights {
  const weights = someWeights(build(config).graph)
  weights['bins.head.1.weight'] = weights['bins.head.1.weight'].map((v) => 4 * v)
  return weights
}

/** The traced tensors of a config. Weights go by name: those that it does not use are left. */
async function run(config: DarConfig, weights: Weights): Promise<Record<string, Float64Array>> {
  const { graph, model } = build(config)
  for (const [name, { size }] of graph.parameters) expect(weights[name]?.length, name).toBe(size)
  const outputs: Record<string, Tensor> = {}
  for (const [name, value] of model.trace) outputs[`trace/${name}`] = value
  const result = await evaluate(engine, outputs, { image: numbers(3 * SIZE[0] * SIZE[1]), ...weights })
  return Object.fromEntries(Object.entries(result).map(([name, values]) => [name.slice('trace/'.length), values]))
}

const edit = (weights: Weights, change: (values: Float64Array, name: string) => Float64Array): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, change(values, name)]))

const only = (names: Set<string>, other: Set<string>) => [...names].filter((name) => !other.has(name)).sort()

/** The parameters that switching off takes away and that it adds. */
function change(on: Record<string, unknown>, off: Record<string, unknown>) {
  const [a, b] = [build(tiny(on)).names, build(tiny(off)).names]
  return { gone: only(a, b), added: only(b, a) }
}

test('levels: zero tables are as none', async () => {
  expect(change({}, { level: false })).toEqual({
    gone: ['bins.bias', 'bins.level', 'decoder.level'],
    added: [],
  })
  const weights = weightsOf(tiny())
  const off = await run(tiny({ level: false }), weights)
  const isTable = (name: string) => /\.(level)$|^bins\.bias$/.test(name)
  const neutral = await run(
    tiny(),
    edit(weights, (v, name) => (isTable(name) ? v.map(() => 0) : v)),
  )
  expect(relativeError(neutral.depth_full, off.depth_full)).toBe(0)
  for (const table of ['decoder.level', 'bins.level', 'bins.bias']) {
    const one = await run(
      tiny(),
      edit(weights, (v, name) => (isTable(name) && name !== table ? v.map(() => 0) : v)),
    )
    expect(relativeError(one.depth_full, off.depth_full), table).toBeGreaterThan(1e-5)
  }
})

test('positions: tokens get the code of their place; without it those of the first step are all the same', async () => {
  expect(change({}, { position: false })).toEqual({ gone: [], added: [] })
  const weights = weightsOf(tiny())
  const [on, off] = [await run(tiny(), weights), await run(tiny({ position: false }), weights)]
  const difference = on['step1.tokens_in'].map((v, i) => v - off['step1.tokens_in'][i])
  expect(relativeError(difference, positionCode([1, 2], M))).toBeLessThan(1e-6)
  const [first, second] = [off['step1.y_out'].slice(0, M), off['step1.y_out'].slice(M, 2 * M)]
  expect(relativeError(second, first)).toBeLessThan(1e-6)
  expect(relativeError(on['step1.y_out'].slice(M, 2 * M), on['step1.y_out'].slice(0, M))).toBeGreaterThan(1e-3)
})

test('long skips: those that pass x on and drop what was pushed are as none', async () => {
  expect(change({}, { longSkip: false })).toEqual({
    gone: ['decoder.blocks.2.skip.bias', 'decoder.blocks.2.skip.weight'],
    added: [],
  })
  const weights = weightsOf(tiny())
  const off = await run(tiny({ longSkip: false }), weights)
  const pass = edit(weights, (v, name) => {
    if (name.endsWith('skip.bias')) return v.map(() => 0)
    return name.endsWith('skip.weight') ? v.map((_, i) => Number(Math.floor(i / 32) === i % 32)) : v // [I 0]
  })
  expect(relativeError((await run(tiny(), pass)).depth_full, off.depth_full)).toBeLessThan(1e-6)
  expect(relativeError((await run(tiny(), weights)).depth_full, off.depth_full)).toBeGreaterThan(1e-4)
})

test('context: gates that do not read it are as without it', async () => {
  const { gone, added } = change({ context: true }, {})
  expect([gone, added]).toEqual([['bins.context.bias', 'bins.context.weight'], []])
  const weights = weightsOf(tiny({ context: true }))
  const isGate = (name: string) => /^bins\.gru\.\w+\.weight$/.test(name)
  // [G, 3G, 5]: columns of h, of f_bin, of the context.
  const narrow = edit(weights, (v, name) =>
    isGate(name) ? v.filter((_, i) => Math.floor(i / 5) % (3 * G) < 2 * G) : v,
  )
  const blind = edit(weights, (v, name) =>
    isGate(name) ? v.map((w, i) => (Math.floor(i / 5) % (3 * G) < 2 * G ? w : 0)) : v,
  )
  const off = await run(tiny(), narrow)
  expect(relativeError((await run(tiny({ context: true }), blind)).depth_full, off.depth_full)).toBeLessThan(1e-6)
  expect(relativeError((await run(tiny({ context: true }), weights)).depth_full, off.depth_full)).toBeGreaterThan(1e-4)
})

test('context that is a step ahead is what the next step would see, and the last two see all of it', async () => {
  const soft = { window: 'soft', leaves: 8, context: true, binGrid: 'memory' } as const
  const [step, ahead] = [tiny({ ...soft, contextGrid: 'step' }), tiny({ ...soft, contextGrid: 'ahead' })]
  const weights = someWeights(build(step).graph)
  const [slow, fast] = [await run(step, weights), await run(ahead, weights)]
  for (const name of ['step1.f_bin', 'step1.y_out']) expect([...fast[name]]).toEqual([...slow[name]])
  expect(relativeError(fast['step1.gru'], slow['step1.gru'])).toBeGreaterThan(1e-4)
  // With weights that make every cell of the context the same, how finely it is seen makes no difference.
  const flat = edit(weights, (v, name) => (name === 'bins.context.weight' ? v.map(() => 0) : v))
  expect(relativeError((await run(ahead, flat)).depth_full, (await run(step, flat)).depth_full)).toBeLessThan(1e-6)
  // Of two steps, both see all of the memory.
  const two = { ...soft, steps: 2 }
  const both = someWeights(build(tiny({ ...two, contextGrid: 'ahead' })).graph)
  const [early, whole] = [await run(tiny({ ...two, contextGrid: 'ahead' }), both), await run(tiny(two), both)]
  for (const name of ['step1.gru', 'step2.gru']) expect(relativeError(early[name], whole[name])).toBeLessThan(1e-5)
  // One step sees the whole memory either way.
  const one = { ...soft, steps: 1 }
  const single = someWeights(build(tiny({ ...one, contextGrid: 'step' })).graph)
  const [a, b] = [
    await run(tiny({ ...one, contextGrid: 'step' }), single),
    await run(tiny({ ...one, contextGrid: 'ahead' }), single),
  ]
  expect([...b.depth_full]).toEqual([...a.depth_full])
})

test('one unit for a fusion of the neck: as two whose first passes its level on', async () => {
  const { gone, added } = change({}, { neckUnits: 1 })
  expect(added).toEqual([])
  expect(gone).toEqual(
    [1, 2, 3].flatMap((n) =>
      ['conv1', 'conv2'].flatMap((conv) => ['bias', 'weight'].map((kind) => `neck.refine${n}.unit1.${conv}.${kind}`)),
    ),
  )
  const weights = weightsOf(tiny())
  const passing = edit(weights, (v, name) => (/unit1.conv2/.test(name) ? v.map(() => 0) : v))
  const one = await run(tiny({ neckUnits: 1 }), weights)
  expect(relativeError((await run(tiny(), passing)).depth_full, one.depth_full)).toBeLessThan(1e-6)
  expect(relativeError((await run(tiny(), weights)).depth_full, one.depth_full)).toBeGreaterThan(1e-4)
})

test('the upsampler: bilinear or convex, after steps that are the same', async () => {
  expect(change({ upsample: 'convex' }, {}).gone).toEqual(
    ['0.bias', '0.weight', '1.bias', '1.weight'].map((name) => `upsample.${name}`),
  )
  const weights = weightsOf(tiny({ upsample: 'convex' }))
  // All weight on the pixel itself, neighbour 4 of 9: every coarse pixel becomes a block of its depth.
  const itself = edit(weights, (v, name) => {
    if (name === 'upsample.1.weight') return v.map(() => 0)
    return name === 'upsample.1.bias' ? v.map((_, i) => (Math.floor(i / 64) === 4 ? 100 : 0)) : v
  })
  const [bilinear, convex] = [await run(tiny(), weights), await run(tiny({ upsample: 'convex' }), itself)]
  expect([...convex['step3.depth']]).toEqual([...bilinear['step3.depth']])
  const [rows, cols] = [SIZE[0] / 8, SIZE[1] / 8]
  const blocks = Float64Array.from({ length: SIZE[0] * SIZE[1] }, (_, i) => {
    const [y, x] = [Math.floor(i / SIZE[1]), i % SIZE[1]]
    return bilinear['step3.depth'][Math.floor(y / 8) * cols + Math.floor(x / 8)]
  })
  expect(convex['step3.depth']).toHaveLength(rows * cols)
  expect(relativeError(convex.output, blocks)).toBeLessThan(1e-6)
  expect(relativeError(bilinear.depth_full, blocks)).toBeGreaterThan(1e-4)
})

test('sizes: those of the rule, named, change nothing; others change the token maps and nothing’s shape else', async () => {
  const weights = weightsOf(tiny())
  const plain = await run(tiny(), weights)
  const named = await run(
    tiny({
      sizes: [
        [1, 2],
        [2, 3],
        [3, 5],
      ],
    }),
    weights,
  )
  expect([...named.depth_full]).toEqual([...plain.depth_full])
  const other = await run(
    tiny({
      sizes: [
        [1, 1],
        [3, 2],
        [2, 4],
      ],
    }),
    weights,
  )
  expect([1, 2, 3].map((k) => other[`step${k}.y_out`].length / M)).toEqual([1, 6, 8])
  expect(other['step3.depth']).toHaveLength(15)
  expect(relativeError(other.depth_full, plain.depth_full)).toBeGreaterThan(1e-5)
})

test('the bin grid: each step’s own is the memory grid’s where the two are the same', async () => {
  expect(change({}, { binGrid: 'step' })).toEqual({ gone: [], added: [] })
  const weights = weightsOf(tiny())
  const full = { sizes: Array(3).fill([3, 5]) }
  const [memory, step] = [await run(tiny(full), weights), await run(tiny({ ...full, binGrid: 'step' }), weights)]
  expect([...step.depth_full]).toEqual([...memory.depth_full])
  const coarse = await run(tiny({ binGrid: 'step' }), weights)
  expect([1, 2, 3].map((k) => coarse[`step${k}.depth`].length)).toEqual([2, 6, 15])
})

describe('the soft tree', () => {
  const soft = { window: 'soft', leaves: 8, context: true, contextGrid: 'step' }
  const weightsOfSoft = (config: DarConfig) => someWeights(build(config).graph)

  test('has a last convolution for each step in place of bins and biases', () => {
    expect(change({}, { window: 'soft', leaves: 8 })).toEqual({
      gone: ['bins.bias', 'bins.head.1.bias', 'bins.head.1.weight'],
      added: [1, 2, 3].flatMap((k) => [`bins.head.out${k}.bias`, `bins.head.out${k}.weight`]),
    })
  })

  test('on grids that are all the memory’s is as on the memory grid', async () => {
    const config = tiny({ ...soft, sizes: Array(3).fill([3, 5]) })
    const weights = weightsOfSoft(config)
    const [memory, step] = [await run(config, weights), await run({ ...config, binGrid: 'step' }, weights)]
    expect([...step.depth_full]).toEqual([...memory.depth_full])
  })

  test('on halved grids ends on the memory grid, wherever the token maps end, and starts a step from the one before', async () => {
    const config = tiny({ ...soft, binGrid: 'halved', finest: 2 })
    const weights = weightsOfSoft(config)
    const trace = await run(config, weights)
    expect([1, 2, 3].map((k) => trace[`step${k}.y_out`].length / M)).toEqual([1, 2, 6])
    expect([1, 2, 3].map((k) => trace[`step${k}.scores`].length)).toEqual([2 * 2, 4 * 6, 8 * 15])
    const silent = edit(weights, (v, name) => (/out[23]/.test(name) ? v.map(() => 0) : v))
    const still = await run(config, silent) // Δ_2 = Δ_3 = 0: the scores of step 1, on finer grids
    const [low, high] = [Math.min(...still['step1.scores']), Math.max(...still['step1.scores'])]
    expect(high - low).toBeGreaterThan(1e-3)
    for (const z of still['step3.scores']) {
      expect(z).toBeGreaterThan(low - 1e-6)
      expect(z).toBeLessThan(high + 1e-6)
    }
    expect([...trace['step1.scores']]).toEqual([...still['step1.scores']])
    expect(relativeError(trace['step3.scores'], still['step3.scores'])).toBeGreaterThan(1e-2)
  })

  test('ends with the fine map, and with the detail at the image’s own size', async () => {
    const fine = { ...soft, neckFeatures: 16, fine: true }
    expect(change({ ...soft, neckFeatures: 16 }, fine).added.map((name) => name.split('.', 2).join('.'))).toEqual(
      ['conv', 'mix', 'norm', 'out'].flatMap((part) => [`fine.${part}`, `fine.${part}`]),
    )
    const config = tiny({ ...fine, detail: true })
    const weights = weightsOfSoft(config)
    const [plain, sharp] = [await run(tiny(fine), weights), await run(config, weights)]
    expect(plain.output.length).toBe(plain['fine.scores'].length / 8)
    expect([...sharp['fine.scores']]).toEqual([...plain['fine.scores']])
    expect([...sharp.depth_full]).toEqual([...sharp.output])
    const flat = edit(weights, (v, name) => (name.startsWith('detail.conv3') ? v.map(() => 0) : v))
    expect(relativeError((await run(config, flat)).depth_full, plain.depth_full)).toBeLessThan(1e-6)
    expect(relativeError(sharp.depth_full, plain.depth_full)).toBeGreaterThan(1e-3)
  })

  test('ends with a convex map ×4 of the fine one, by weights that read its own features', async () => {
    const fine = { ...soft, neckFeatures: 16, fine: true }
    expect(change({ ...fine, upsample: 'convex' }, fine).gone).toEqual(
      ['0.bias', '0.weight', '1.bias', '1.weight'].map((name) => `upsample.${name}`),
    )
    const config = tiny({ ...fine, upsample: 'convex' })
    const weights = weightsOfSoft(config)
    expect(weights['upsample.0.weight'].length).toBe(32 * 16 * 9)
    const [plain, convex] = [await run(tiny(fine), weights), await run(config, weights)]
    expect([...convex['fine.scores']]).toEqual([...plain['fine.scores']])
    expect(convex.output.length).toBe(16 * plain.output.length)
    // All weight on the pixel itself, neighbour 4 of 9.
    const itself = edit(weights, (v, name) => {
      if (name === 'upsample.1.weight') return v.map(() => 0)
      return name === 'upsample.1.bias' ? v.map((_, i) => (Math.floor(i / 16) === 4 ? 100 : 0)) : v
    })
    const blocks = (await run(config, itself)).output
    const cols = SIZE[1] / 2 // of a patch of 8, path1 has half of the image's size
    const expected = blocks.map(
      (_, i) => plain.output[Math.floor(Math.floor(i / (4 * cols)) / 4) * cols + Math.floor((i % (4 * cols)) / 4)],
    )
    expect(relativeError(blocks, expected)).toBeLessThan(1e-6)
  })

  test('sharpens at half of the image with the encoder’s map of that size, which nothing else reads', async () => {
    const mobile = (fields: Record<string, unknown>) =>
      tinyMobile({ ...soft, upsample: 'bilinear', steps: 3, neckFeatures: 16, fine: true, detail: true, ...fields })
    const at = (config: DarConfig) => {
      const graph = new Graph()
      const model = buildDar(graph.input('image', [1, 3, 32, 64]), config)
      return { graph, model, names: new Set(graph.parameters.keys()) }
    }
    const [whole, half] = [at(mobile({})), at(mobile({ detailGrid: 'half' }))]
    const added = ['half.bias', 'half.weight', 'half_norm.bias', 'half_norm.weight'].map((name) => `detail.${name}`)
    expect(only(half.names, whole.names)).toEqual(added)
    expect(only(whole.names, half.names)).toEqual([])
    expect(half.graph.parameters.get('detail.half.weight')?.shape).toEqual([16, 4, 1, 1]) // a quarter of 16 channels
    const weights = someWeights(half.graph)
    const evaluated = async (model: typeof half.model, values: Weights) =>
      await evaluate(
        engine,
        { d: model.imageMap, z: model.trace.get('fine.scores')! },
        { image: numbers(3 * 32 * 64), ...values },
      )
    const [plain, sharp] = [
      await evaluated(whole.model, weightsFor(whole, weights)),
      await evaluated(half.model, weights),
    ]
    expect([...sharp.z]).toEqual([...plain.z])
    expect(sharp.d.length).toBe(32 * 64)
    const still = edit(weights, (v, name) => (name.startsWith('detail.conv3') ? v.map(() => 0) : v))
    const [a, b] = [await evaluated(whole.model, weightsFor(whole, still)), await evaluated(half.model, still)]
    expect(relativeError(b.d, a.d)).toBeLessThan(1e-6)
    expect(relativeError(sharp.d, b.d)).toBeGreaterThan(1e-3)
  })
})

/** The weights of these names, and random ones where the shapes differ. */
function weightsFor({ graph }: { readonly graph: Graph }, weights: Weights): Weights {
  const own = someWeights(graph)
  return Object.fromEntries(
    Object.entries(own).map(([name, v]) => [name, weights[name]?.length === v.length ? weights[name] : v]),
  )
}

test('a norm before the last projection bounds y_out, whatever the blocks say', async () => {
  expect(change({}, { finalNorm: true })).toEqual({ gone: [], added: ['decoder.norm.bias', 'decoder.norm.weight'] })
  const config = tiny({ finalNorm: true })
  const weights = { ...weightsOf(config), 'decoder.norm.weight': new Float64Array(16).fill(1) }
  const loud = edit(weights, (v, name) => (/^decoder.blocks.2.mlp.fc2/.test(name) ? v.map((x) => 1e4 * x) : v))
  const size = async (fields: Record<string, unknown>, values: Weights) =>
    Math.max(...(await run(tiny(fields), values))['step1.y_out'].map(Math.abs))
  expect(await size({ finalNorm: true }, loud)).toBeLessThan(10 * (await size({ finalNorm: true }, weights)))
  expect(await size({}, loud)).toBeGreaterThan(100 * (await size({}, weights)))
})

test('a norm before the tanh divides a by its root mean square over the channels', async () => {
  const hidden = async (hiddenNorm: boolean, weights: Weights) => {
    const { model } = build(tiny({ hiddenNorm }))
    const [a] = model.hidden
    const feeds = { image: numbers(3 * SIZE[0] * SIZE[1]), ...weights }
    return { a: (await evaluate(engine, { a }, feeds)).a, pixels: a.shape[2] * a.shape[3] }
  }
  expect(change({}, { hiddenNorm: true })).toEqual({ gone: [], added: [] })
  const weights = weightsOf(tiny())
  const { a: bare, pixels } = await hidden(false, weights)
  const { a: normed } = await hidden(true, weights)
  for (let p = 0; p < pixels; p++) {
    let squares = 0
    for (let c = 0; c < G; c++) squares += bare[c * pixels + p] ** 2
    const size = Math.sqrt(squares / G + 1e-5)
    for (let c = 0; c < G; c++) expect(normed[c * pixels + p]).toBeCloseTo(bare[c * pixels + p] / size, 5)
  }
  // However large the weights before it grow, h stays the same.
  const loud = edit(weights, (v, name) => (/^bins.(hidden|level)/.test(name) ? v.map((x) => 1e4 * x) : v))
  expect(relativeError((await hidden(true, loud)).a, normed)).toBeLessThan(1e-3)
})

describe('tokens that begin with the memory', () => {
  const on = { tokenContext: true, finest: 2 }

  /** Means over ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ − 1 of a map of M channels, one token after the other. */
  function pooled(map: Float64Array, [rows, cols]: readonly number[], [height, width]: readonly number[]): number[][] {
    const range = (i: number, from: number, to: number) => {
      const [low, high] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)]
      return Array.from({ length: high - low }, (_, j) => low + j)
    }
    const tokens: number[][] = []
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++)
        tokens.push(
          Array.from({ length: M }, (_, c) => {
            const cells = range(i, rows, height).flatMap((y) =>
              range(j, cols, width).map((x) => map[(c * rows + y) * cols + x]),
            )
            return cells.reduce((sum, value) => sum + value, 0) / cells.length
          }),
        )
    return tokens
  }

  test('are those without, plus a linear map of what the memory shows at their place', async () => {
    expect(change(on, { finest: 2 })).toEqual({ gone: ['decoder.seen.bias', 'decoder.seen.weight'], added: [] })
    const weights = weightsOf(tiny(on))
    const [with_, without] = [await run(tiny(on), weights), await run(tiny({ finest: 2 }), weights)]
    const [matrix, bias] = [weights['decoder.seen.weight'], weights['decoder.seen.bias']]
    const linear = (token: number[]) =>
      [...bias].map((b, o) => token.reduce((sum, value, i) => sum + matrix[o * M + i] * value, b))
    // At step 1 nothing is fed back yet, so that the two differ by this term alone.
    const seen = pooled(without['neck.memory'], [3, 5], [1, 1]).flatMap(linear)
    const expected = without['step1.tokens_in'].map((x, i) => x + seen[i])
    expect(relativeError(with_['step1.tokens_in'], expected)).toBeLessThan(1e-5)
    expect(relativeError(with_['step1.y_out'], without['step1.y_out'])).toBeGreaterThan(1e-4)
    // At the last step: the tokens, less the map that is fed back, are the term with level and position.
    const last = (trace: Record<string, Float64Array>) =>
      pooled(trace['step2.token_map'], [3, 5], [2, 3]).flatMap((token, t) =>
        token.map((fed, c) => trace['step3.tokens_in'][t * M + c] - fed),
      )
    const term = pooled(without['neck.memory'], [3, 5], [2, 3]).flatMap(linear)
    const difference = last(with_).map((x, i) => x - last(without)[i])
    expect(relativeError(Float64Array.from(difference), Float64Array.from(term))).toBeLessThan(1e-4)
  })
})

test('step weights scale the terms of the loss, and nothing else', async () => {
  const graph = new Graph()
  const [image, gt] = [graph.input('image', [1, 3, ...SIZE]), graph.input('gt', [1, 1, ...SIZE])]
  const plain = tiny({})
  const model = buildDar(image, plain)
  const terms = stepLosses(model, gt, plain)
  const weighed = stepLosses(model, gt, { ...plain, stepWeights: [0.5, 0, 3] })
  const outputs = Object.fromEntries([...terms, ...weighed].map((term, i) => [`t${i}`, term]))
  const feeds = { image: numbers(image.size), gt: numbers(gt.size).map((v) => Math.abs(v)), ...weightsOf(plain) }
  const { t0, t1, t2, ...rest } = await evaluate(engine, outputs, feeds)
  expect(rest.t3[0]).toBeCloseTo(0.5 * t0[0], 5)
  expect([t1[0] > 0.1, rest.t4[0]]).toEqual([true, 0])
  expect(rest.t5[0]).toBeCloseTo(3 * t2[0], 4)
})

describe('feedback', () => {
  const noise = (weights: Weights) =>
    edit(weights, (v, name) => (name.startsWith('bins.gru') ? v.map((w, i) => w + Math.sin(i)) : v))

  test('of the token map: what the bins found reaches the next step', async () => {
    const weights = weightsOf(tiny())
    const [one, other] = [await run(tiny(), weights), await run(tiny(), noise(weights))]
    expect([...other['step1.y_out']]).toEqual([...one['step1.y_out']])
    expect(relativeError(other['step2.tokens_in'], one['step2.tokens_in'])).toBeGreaterThan(1e-3)
    expect(relativeError(other['step2.y_out'], one['step2.y_out'])).toBeGreaterThan(1e-4)
  })

  test('of y_out: the transformer never learns of the bins, and nothing makes a token map', async () => {
    const config = tiny({ feedback: 'y-out' })
    expect(change({}, { feedback: 'y-out' })).toEqual({ gone: ['bins.token.bias', 'bins.token.weight'], added: [] })
    const weights = weightsOf(config)
    const [one, other] = [await run(config, weights), await run(config, noise(weights))]
    expect('step1.token_map' in one).toBe(false)
    for (const k of [1, 2, 3]) {
      expect([...other[`step${k}.y_out`]]).toEqual([...one[`step${k}.y_out`]])
      expect(relativeError(other[`step${k}.depth`], one[`step${k}.depth`])).toBeGreaterThan(1e-4)
    }
  })

  test('of y_out is y_out at the next step’s size', async () => {
    const config = tiny({ feedback: 'y-out', position: false, level: false, sizes: Array(3).fill([3, 5]) })
    const { 'step1.y_out': y, 'step2.tokens_in': x } = await run(config, weightsOf(config))
    expect([...x]).toEqual([...y])
  })

  test('has no token map to make when there is one step', () => {
    expect([...build(tiny({ steps: 1 })).names].filter((name) => name.startsWith('bins.token'))).toEqual([])
  })
})
