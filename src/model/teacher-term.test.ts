import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, NdArray, relativeError } from '../../test/op-harness.ts'
import { type FloatType, Graph, gradient } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { fitInverse, misfit, teacherTerm } from './teacher-term.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const SHAPE = [3, 1, 5, 7]
const SIZE = 3 * 5 * 7

/** The definition in loops; a pixel of the teacher counts where it is above 0. */
function slowly(depth: ArrayLike<number>, teacher: ArrayLike<number>): number {
  const [d, t] = [depth, teacher].map((values) => new NdArray(SHAPE, Float64Array.from(values)))
  let sum = 0
  let count = 0
  for (let b = 0; b < SHAPE[0]; b++) {
    const u: number[] = []
    const v: number[] = []
    for (let i = 0; i < SHAPE[2]; i++)
      for (let j = 0; j < SHAPE[3]; j++) {
        if (!(t.at(b, 0, i, j) > 0)) continue
        u.push(1 / Math.max(d.at(b, 0, i, j), 0.01))
        v.push(1 / t.at(b, 0, i, j))
      }
    if (u.length === 0) continue
    const mean = (values: readonly number[]) => values.reduce((a, x) => a + x, 0) / values.length
    const [mu, mv] = [mean(u), mean(v)]
    const spread = Math.max(mean(u.map((x) => Math.abs(x - mu))), mu / 20)
    const variation = mean(v.map((x) => Math.abs(x - mv)))
    if (!(variation > 1e-5)) continue
    const s = spread / variation
    u.forEach((x, k) => {
      const r = (x - mu - s * (v[k] - mv)) / spread
      sum += Math.hypot(r, 0.25) - 0.25
      count++
    })
  }
  return sum / Math.max(count, 1)
}

function built({ float = 'float64' as FloatType } = {}) {
  const graph = new Graph({ float })
  const depth = graph.input('depth', SHAPE)
  const teacher = graph.input('teacher', SHAPE)
  const valid = ops.greater(teacher, 0)
  return { graph, depth, teacher, valid, loss: teacherTerm(depth, teacher, valid) }
}

/** Value and gradient for a student and a teacher. */
async function run(depth: ArrayLike<number>, teacher: ArrayLike<number>, options: { float?: FloatType } = {}) {
  const { depth: input, loss } = built(options)
  const result = await evaluate(engine, { loss, slope: gradient(loss, [input])[0] }, { depth, teacher })
  return { loss: result.loss[0], slope: [...result.slope] }
}

const random = new Random(3, 1)
const scene = Float64Array.from({ length: SIZE }, () => random.uniform(0.6, 5))
/** The scene with errors of some 20 %, at another scale. */
const student = scene.map((d) => 1.7 * d * Math.exp(random.normal(0, 0.2)))
/** Of another scale and shift, with holes, and no depth in the last image. */
const teacher = scene.map((d, i) => (i % 9 === 4 || i >= 70 ? 0 : 1 / (0.6 / d + 0.1)))
/** The errors of the student of all images, none left out. */
const whole = scene.map((d) => 1 / (0.6 / d + 0.1))

describe('the term of a teacher', () => {
  test('is the definition, with holes and an image that has no teacher', async () => {
    const { loss, slope } = await run(student, teacher)
    expect(loss).toBeGreaterThan(0.05)
    expect(relativeError([loss], [slowly(student, teacher)])).toBeLessThan(1e-12)
    // No gradient where the teacher says nothing.
    expect(slope.filter((_, i) => teacher[i] === 0).every((v) => v === 0)).toBe(true)
    expect(slope.filter((_, i) => teacher[i] > 0).every((v) => v !== 0)).toBe(true)
    expect((await run(student, teacher, { float: 'float32' })).loss).toBeCloseTo(loss, 5)
  })

  test('has the gradient of finite differences, the fit being constant', async () => {
    const { graph, depth, teacher: t, valid, loss } = built()
    const u = ops.div(1, depth)
    const v = ops.div(1, ops.where(valid, t, 1))
    const fit = fitInverse(u, v, valid)
    const fitted = await evaluate(engine, { ...fit, slope: gradient(loss, [depth])[0] }, { depth: student, teacher })
    const given = (name: string) => graph.input(name, [3, 1, 1, 1])
    const held = { scale: given('scale'), shift: given('shift'), spread: given('spread') }
    const { scale, shift, spread } = fitted
    const feeds = { depth: student, teacher, scale, shift, spread }
    const slow = await differences(engine, misfit(u, v, valid, held), feeds, ['depth'], 1e-5)
    expect(relativeError(fitted.slope, slow.depth)).toBeLessThan(1e-6)
  })

  test('does not change with scale and shift of the teacher’s inverse depth, nor with the scale of the student', async () => {
    const { loss, slope } = await run(student, whole)
    const other = await run(
      student,
      whole.map((t) => 1 / (3.5 / t + 0.4)),
    )
    expect(other.loss).toBeCloseTo(loss, 12)
    expect(relativeError(other.slope, slope)).toBeLessThan(1e-10)
    const farther = await run(
      student.map((d) => 4 * d),
      whole,
    )
    expect(farther.loss).toBeCloseTo(loss, 12)
  })

  test('is 0 for a student that is right up to scale and shift, and the more the wronger it is', async () => {
    const wrongBy = async (deviation: number) => {
      const noise = new Random(5, 2)
      return (
        await run(
          scene.map((d) => 1 / (2 / d + 0.3 + noise.uniform(-deviation, deviation))),
          whole,
        )
      ).loss
    }
    const losses = [await wrongBy(0), await wrongBy(0.1), await wrongBy(0.2), await wrongBy(0.3)]
    expect(losses[0]).toBeLessThan(1e-20)
    expect(losses).toEqual(losses.toSorted((a, b) => a - b))
    expect(new Set(losses).size).toBe(4)
  })

  test('pulls at a pixel whose residual is large as at one of a few spreads, and never lets go', async () => {
    const pull = async (factor: number) => {
      const near = scene.map((d, i) => (i === 10 ? d * factor : d))
      const { slope } = await run(near, whole)
      const u = [...near.slice(0, 35)].map((d) => 1 / d)
      const mean = u.reduce((a, x) => a + x, 0) / 35
      const spread = u.reduce((a, x) => a + Math.abs(x - mean), 0) / 35
      return Math.abs(slope[10] * near[10] ** 2) * spread * SIZE // the slope by r
    }
    const pulls = [await pull(0.98), await pull(0.7), await pull(0.25)]
    expect(pulls).toEqual(pulls.toSorted((a, b) => a - b))
    expect(pulls[2]).toBeGreaterThan(0.9)
    expect(pulls[2]).toBeLessThanOrEqual(1)
  })

  test('lets the contrast of a map with noise fall, which is why there is another term', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const noise = new Random(seed, 7)
      const map = whole.map((d) => 1 / (1 / d + 0.8 + noise.normal(0, 0.15)))
      const { slope } = await run(map, whole)
      let change = 0 // of E with the factor of the contrast of inverse depth u, whose slope is −slope/u²
      for (let from = 0; from < SIZE; from += 35) {
        const u = [...map.slice(from, from + 35)].map((d) => 1 / d)
        const mean = u.reduce((sum, x) => sum + x, 0) / 35
        u.forEach((x, i) => {
          change += (-slope[from + i] / x ** 2) * (x - mean)
        })
      }
      expect(change).toBeGreaterThan(0)
    }
  })

  test('turns a map round that is upside down, where a fit would have left it out', async () => {
    const { depth, loss } = built()
    const slope = gradient(loss, [depth])[0]
    const stepped = ops.sub(depth, ops.mul(slope, 20))
    let map: ArrayLike<number> = whole.map((d) => 1 / Math.max(0.9 - 1 / d, 0.2))
    const correlation = (values: ArrayLike<number>) => {
      const [u, v] = [Array.from(values, (d) => 1 / d), Array.from(whole, (d) => 1 / d)]
      const mean = (x: readonly number[]) => x.reduce((a, y) => a + y, 0) / x.length
      const [mu, mv] = [mean(u), mean(v)]
      return mean(u.map((x, i) => (x - mu) * (v[i] - mv)))
    }
    expect(correlation(map)).toBeLessThan(0)
    for (let i = 0; i < 60; i++) map = (await evaluate(engine, { stepped }, { depth: map, teacher: whole })).stepped
    expect(correlation(map)).toBeGreaterThan(0)
    expect((await run(map, whole)).loss).toBeLessThan(0.25)
  })

  test('leaves out an image of a single depth', async () => {
    const flat = whole.map((t, i) => (i >= 35 && i < 70 ? 2.7 : t))
    for (const float of ['float64', 'float32'] as const) {
      const { loss, slope } = await run(student, flat, { float })
      expect(slope.slice(35, 70).every((v) => v === 0)).toBe(true)
      expect(slope.slice(0, 35).every((v) => v !== 0)).toBe(true)
      expect(loss).toBeCloseTo(slowly(student, flat), float === 'float64' ? 12 : 5)
    }
  })

  test('is 0 with gradient 0 without a teacher, and finite for a student of one depth or none', async () => {
    for (const float of ['float64', 'float32'] as const) {
      const empty = await run(student, new Float64Array(SIZE), { float })
      expect([empty.loss, ...empty.slope].every((v) => v === 0)).toBe(true)
      for (const value of [2.7, 0, -1]) {
        const flat = await run(new Float64Array(SIZE).fill(value), whole, { float })
        expect([flat.loss, ...flat.slope].every(Number.isFinite)).toBe(true)
        expect(flat.slope.some((v) => v !== 0)).toBe(value > 0)
      }
    }
  })
})
