import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, relativeError } from '../../test/op-harness.ts'
import { type FloatType, Graph, gradient } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { teacherScaleTerm } from './teacher-scale-term.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

/** Three images of 35 pixels. */
const SHAPE = [3, 1, 5, 7]
const [IMAGES, PIXELS] = [3, 35]

/** The definition in loops; a pixel of the teacher counts where it is above 0. */
function slowly(depth: ArrayLike<number>, teacher: ArrayLike<number>): number {
  let [sum, count] = [0, 0]
  for (let b = 0; b < IMAGES; b++) {
    const g: number[] = []
    for (let i = b * PIXELS; i < (b + 1) * PIXELS; i++)
      if (teacher[i] > 0) g.push(Math.log(Math.max(depth[i], 0.01)) - Math.log(teacher[i]))
    const t = g.reduce((a, x) => a + x, 0) / Math.max(g.length, 1)
    for (const x of g) sum += Math.hypot(x - t, 0.1) - 0.1
    count += g.length
  }
  return sum / Math.max(count, 1)
}

function built({ float = 'float64' as FloatType } = {}) {
  const graph = new Graph({ float })
  const depth = graph.input('depth', SHAPE)
  const teacher = graph.input('teacher', SHAPE)
  return { depth, loss: teacherScaleTerm(depth, teacher, ops.greater(teacher, 0)) }
}

/** Value and gradient for a student and a teacher. */
async function run(depth: ArrayLike<number>, teacher: ArrayLike<number>, options: { float?: FloatType } = {}) {
  const { depth: input, loss } = built(options)
  const result = await evaluate(engine, { loss, slope: gradient(loss, [input])[0] }, { depth, teacher })
  return { loss: result.loss[0], slope: [...result.slope] }
}

const random = new Random(3, 1)
const scene = Float64Array.from({ length: IMAGES * PIXELS }, () => random.uniform(0.6, 5))
/** The scene with errors of some 20 %, at another scale. */
const student = scene.map((d) => 1.7 * d * Math.exp(random.normal(0, 0.2)))
/** With holes, and no depth in the last image. */
const teacher = scene.map((d, i) => (i % 9 === 4 || i >= 2 * PIXELS ? 0 : d))

describe('the term of a teacher whose scale is not believed', () => {
  test('is the definition, with holes and an image that has no teacher', async () => {
    const { loss, slope } = await run(student, teacher)
    expect(loss).toBeGreaterThan(0.03)
    expect(relativeError([loss], [slowly(student, teacher)])).toBeLessThan(1e-12)
    expect(slope.every((v, i) => (v !== 0) === teacher[i] > 0)).toBe(true)
    expect((await run(student, teacher, { float: 'float32' })).loss).toBeCloseTo(loss, 5)
  })

  test('has the gradient of finite differences, the factor of an image being part of it', async () => {
    const { loss } = built()
    const slow = await differences(engine, loss, { depth: student, teacher }, ['depth'], 1e-5)
    expect(relativeError((await run(student, teacher)).slope, slow.depth)).toBeLessThan(1e-6)
  })

  test('does not change with the scale of either, and never moves that of the student', async () => {
    const { loss, slope } = await run(student, teacher)
    const scaled = await run(
      student.map((d) => 4 * d),
      teacher.map((d, i) => (i < PIXELS ? 3 : 0.2) * d),
    )
    expect(scaled.loss).toBeCloseTo(loss, 12)
    for (let b = 0; b < IMAGES; b++) {
      const inLog = slope.slice(b * PIXELS, (b + 1) * PIXELS).map((v, i) => v * student[b * PIXELS + i])
      const size = inLog.reduce((sum, v) => sum + Math.abs(v), 0)
      expect(Math.abs(inLog.reduce((sum, v) => sum + v, 0))).toBeLessThanOrEqual(1e-12 * size)
    }
  })

  test('gives a flat map the contrast of the teacher, and takes away what is too much', async () => {
    const map = (contrast: number) => scene.map((d) => 2 * d ** contrast)
    /** How the contrast changes with a step against the gradient in ln D. */
    const change = async (contrast: number) => {
      const { slope } = await run(map(contrast), scene)
      return -slope.reduce((sum, v, i) => sum + v * map(contrast)[i] * Math.log(scene[i]), 0)
    }
    expect(await change(0.2)).toBeGreaterThan(0)
    expect(await change(0.8)).toBeGreaterThan(0)
    expect(Math.abs(await change(1))).toBeLessThan(1e-12)
    expect(await change(1.5)).toBeLessThan(0)
  })

  test('pulls the more at a pixel the farther it is off, never with 2 or more, and never lets go', async () => {
    const pull = async (factor: number) => {
      const near = scene.map((d, i) => (i === 10 ? d * factor : d))
      const { slope } = await run(near, scene)
      return Math.abs(slope[10] * near[10]) * IMAGES * PIXELS // by ln D
    }
    const pulls = [await pull(0.97), await pull(0.8), await pull(0.25)]
    expect(pulls).toEqual(pulls.toSorted((a, b) => a - b))
    expect(pulls[2]).toBeGreaterThan(0.9)
    expect(pulls[2]).toBeLessThan(2)
  })

  test('is 0 with gradient 0 without a teacher, and finite for a student of one depth or none', async () => {
    for (const float of ['float64', 'float32'] as const) {
      const empty = await run(student, new Float64Array(IMAGES * PIXELS), { float })
      expect([empty.loss, ...empty.slope].every((v) => v === 0)).toBe(true)
      for (const value of [2.7, 0, -1]) {
        const flat = await run(new Float64Array(IMAGES * PIXELS).fill(value), scene, { float })
        expect([flat.loss, ...flat.slope].every(Number.isFinite)).toBe(true)
        expect(flat.slope.some((v) => v !== 0)).toBe(value > 0)
      }
    }
  })
})
