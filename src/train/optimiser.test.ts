import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Graph, type Init } from '../graph/index.ts'
import { Engine, live } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { type AdamOptions, AdamW, emaDecay, type TrainingState } from './optimiser.ts'
import { type Layout, layoutOf } from './parameters.ts'

const INIT: Init = { kind: 'constant', value: 0 }
const graph = new Graph()
graph.parameter('encoder.weight', [5, 3], INIT)
graph.parameter('encoder.bias', [5], INIT)
graph.parameter('head.scale', [], INIT)
graph.parameter('head.weight', [4, 2, 1, 2], INIT)
const layout: Layout = layoutOf(graph.parameters.values())

const random = new Random(11)
const draw = (scale: number) => Float32Array.from({ length: layout.length }, () => random.normal(0, scale))

interface Reference {
  p: number[]
  m: number[]
  v: number[]
  e: number[]
}

/** One update in float64, value by value, as the papers write it. */
function reference(s: Reference, g: Float32Array, step: number, rate: number, norm: number, o: Required<AdamOptions>) {
  const t = step + 1
  const clip = norm > o.clip ? o.clip / norm : 1
  for (const { name, shape, offset, length } of layout.entries) {
    const multiplier = name.startsWith('encoder.') ? o.multipliers['encoder.'] : 1
    const decay = shape.length >= 2 ? o.weightDecay : 0
    for (let i = offset; i < offset + length; i++) {
      const clipped = g[i] * clip
      s.m[i] = o.beta1 * s.m[i] + (1 - o.beta1) * clipped
      s.v[i] = o.beta2 * s.v[i] + (1 - o.beta2) * clipped ** 2
      const mHat = s.m[i] / (1 - o.beta1 ** t)
      const vHat = s.v[i] / (1 - o.beta2 ** t)
      s.p[i] -= rate * multiplier * (mHat / (Math.sqrt(vHat) + o.epsilon) + decay * s.p[i])
      const delta = Math.min(o.ema, (1 + step) / (10 + step))
      s.e[i] = delta * s.e[i] + (1 - delta) * s.p[i]
    }
  }
}

const options: Required<AdamOptions> = {
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-6,
  weightDecay: 0.1,
  clip: 3,
  ema: 0.3,
  multipliers: { 'encoder.': 0.3 },
  layerDecay: 1,
  decayVectors: false,
  noDecay: [],
}

describe('AdamW', () => {
  const engine = new Engine({ threads: 1 })
  const start = draw(1)
  let state: TrainingState
  let adam: AdamW
  beforeAll(async () => {
    const zeros = new Float32Array(layout.length)
    state = {
      params: await engine.allocate('params', start),
      grads: await engine.allocate('grads', zeros),
      m: await engine.allocate('m', zeros),
      v: await engine.allocate('v', zeros),
      ema: await engine.allocate('ema', start),
    }
    adam = await AdamW.create(engine, layout, state, options)
  })
  afterAll(async () => {
    await adam.dispose()
    for (const buffer of Object.values(state)) await buffer.dispose()
    await engine.dispose()
    expect(live).toEqual({ engines: 0, programs: 0, buffers: 0 })
  })

  it('follows a float64 reference over many updates, with clipping, decay, multipliers and average', async () => {
    const zeros = () => Array<number>(layout.length).fill(0)
    const expected: Reference = { p: [...start], m: zeros(), v: zeros(), e: [...start] }
    const clipped: boolean[] = []
    for (let step = 0; step < 12; step++) {
      // Large and small gradients by turns, so that some are clipped and some are not.
      const g = draw(step % 2 === 0 ? 2 : 0.05)
      await state.grads.write(g)
      const norm = await adam.gradientNorm()
      const exact = Math.sqrt(g.reduce((sum, x) => sum + x * x, 0))
      expect(Math.abs(norm / exact - 1)).toBeLessThan(1e-6)
      clipped.push(norm > options.clip)
      const rate = 0.01 / (1 + step)
      await adam.apply(step, rate, norm)
      reference(expected, g, step, rate, norm, options)
      expect(await state.grads.read()).toEqual(g) // read, never written
      for (const [buffer, values] of [
        [state.params, expected.p],
        [state.m, expected.m],
        [state.v, expected.v],
        [state.ema, expected.e],
      ] as const) {
        const got = await buffer.read()
        const scale = Math.max(...values.map(Math.abs))
        const worst = Math.max(...values.map((value, i) => Math.abs(got[i] - value)))
        expect(worst / scale, `${buffer.name} after update ${step}`).toBeLessThan(1e-6)
      }
    }
    expect(clipped).toEqual(clipped.map((_, step) => step % 2 === 0))
  })

  it('leaves parameters alone that never change, and updates those on both sides as before', async () => {
    const { entries } = layout
    const middle = entries.find(({ name }) => name === 'head.scale') ?? expect.fail('no head.scale')
    expect([entries[0].name, entries.at(-1)?.name]).not.toContain(middle.name)
    const g = draw(1).map((value, i) => (i === middle.offset ? 0 : value))
    const updated = async (one: AdamW) => {
      await state.params.write(start)
      await state.ema.write(start)
      await state.grads.write(g)
      for (const buffer of [state.m, state.v]) await buffer.write(new Float32Array(layout.length))
      const norm = await one.gradientNorm()
      await one.apply(0, 0.01, 2)
      const [params, m, v, ema] = await Promise.all([state.params, state.m, state.v, state.ema].map((b) => b.read()))
      return { norm, params, m, v, ema }
    }
    const whole = await updated(adam)
    await adam.dispose()
    const split = await AdamW.create(engine, layout, state, options, { still: (name) => name === middle.name })
    const apart = await updated(split)
    await split.dispose()
    adam = await AdamW.create(engine, layout, state, options)
    expect(Math.abs(apart.norm / whole.norm - 1)).toBeLessThan(1e-6)
    expect({ ...apart, norm: 0 }).toEqual({ ...whole, norm: 0, ema: apart.ema })
    for (let i = 0; i < layout.length; i++) expect(apart.ema[i]).toBe(i === middle.offset ? start[i] : whole.ema[i])
  })

  it('gives the same bits in passes of any size', async () => {
    const g = draw(1)
    const updated = async (pass: number) => {
      await adam.dispose()
      adam = await AdamW.create(engine, layout, state, options, { pass })
      for (const buffer of [state.params, state.ema]) await buffer.write(start)
      await state.grads.write(g)
      for (const buffer of [state.m, state.v]) await buffer.write(new Float32Array(layout.length))
      const exact = Math.sqrt(g.reduce((sum, x) => sum + x * x, 0))
      expect(Math.abs((await adam.gradientNorm()) / exact - 1)).toBeLessThan(1e-6)
      await adam.apply(0, 0.01, 2)
      return Promise.all([state.params, state.m, state.v, state.ema].map((b) => b.read()))
    }
    const parts = await updated(Math.ceil(layout.length / 3) + 1)
    expect(parts).toEqual(await updated(2 ** 24))
  })

  it('decays weights of two or more axes and nothing else when the gradient is zero', async () => {
    await state.params.write(start)
    for (const buffer of [state.grads, state.m, state.v]) await buffer.write(new Float32Array(layout.length))
    await adam.apply(0, 0.5, 0)
    const params = await state.params.read()
    for (const { name, offset, length } of layout.entries) {
      const factor = { 'encoder.weight': 1 - 0.5 * 0.3 * 0.1, 'head.weight': 1 - 0.5 * 0.1 }[name] ?? 1
      for (let i = offset; i < offset + length; i++) expect(params[i]).toBeCloseTo(factor * start[i], 6)
    }
  })
})

describe('emaDecay', () => {
  it('follows closely at first and reaches its limit later', () => {
    expect(emaDecay(0.999, 0)).toBe(0.1)
    expect(emaDecay(0.999, 90)).toBeCloseTo(0.91, 10)
    expect(emaDecay(0.999, 1e6)).toBe(0.999)
  })
})
