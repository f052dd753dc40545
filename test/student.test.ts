import { describe, expect, it } from 'vitest'
import { cutStudent } from '../scripts/student/cut.ts'
import { directions, Moments, reconstruct } from '../scripts/student/reconstruct.ts'
import { Random } from '../src/data/index.ts'
import { flatConfig, parseConfig } from '../src/model/index.ts'
import { Engine } from '../src/runtime/engine.ts'
import { layoutOfModel } from '../src/train/index.ts'
import { initialise } from '../src/train/parameters.ts'
import { tinyMobile } from './tiny-config.ts'

const uniform = (random: Random, length: number) => Float32Array.from({ length }, () => random.uniform(-1, 1))

describe('a layer that loses inputs', () => {
  const random = new Random(3)
  /** y = x₀ − 2·x₁ + ½ with x₂ = x₀ + x₁ and x₃ of no use. */
  const moments = new Moments(4, 1)
  for (let i = 0; i < 500; i++) {
    const [a, b, c] = uniform(random, 3)
    moments.add(Float32Array.of(a, b, a + b, c), Float32Array.of(a - 2 * b + 0.5))
  }

  it('loses first what is of no use, then what others can give', () => {
    const three = reconstruct(moments, 3)
    expect(three.kept).toEqual([0, 1, 2])
    const two = reconstruct(moments, 2)
    expect(two.kept).not.toContain(3)
    expect(two.bias[0]).toBeCloseTo(0.5, 2)
    const [a, b] = [0.3, -0.8]
    const value = [a, b, a + b, 0].reduce((sum, x, i) => sum + x * two.weight[i], two.bias[0])
    expect(value).toBeCloseTo(a - 2 * b + 0.5, 2)
  })

  it('keeps a constant when it loses all', () => {
    const { kept, weight, bias } = reconstruct(moments, 0)
    expect([kept, [...weight]]).toEqual([[], [0, 0, 0, 0]])
    expect(Math.abs(bias[0] - 0.5)).toBeLessThan(0.2)
  })
})

it('the longest directions span what the samples vary in', () => {
  // Of samples in the plane of (1, 1, 0) and (0, 0, 1).
  const moment = Float64Array.of(4, 4, 0, 4, 4, 0, 0, 0, 1)
  const basis = directions(moment, 3, 2)
  const along = (v: readonly number[]) =>
    [0, 1].reduce((sum, k) => sum + v.reduce((dot, x, i) => dot + x * basis[i * 2 + k], 0) ** 2, 0)
  expect(along([Math.SQRT1_2, Math.SQRT1_2, 0])).toBeCloseTo(1, 6)
  expect(along([0, 0, 1])).toBeCloseTo(1, 6)
  expect(along([Math.SQRT1_2, -Math.SQRT1_2, 0])).toBeCloseTo(0, 6)
})

it('a student has the tensors of its layout, and the teacher’s values where nothing was cut', async () => {
  const config = tinyMobile({ layers: 3 })
  const stages = [
    [1, 16, 1],
    [6, 24, 2],
    [6, 32, 3],
    [6, 64, 4],
    [3, 96, 3],
    [6, 160, 3],
    [2, 160, 1],
  ]
  const student = parseConfig({ ...flatConfig(config), encoderStages: stages, layers: 1 })
  const layout = layoutOfModel(config)
  const start = initialise(layout, 4)
  const values = new Map(
    layout.entries.map(({ name, offset, length }) => [name, start.subarray(offset, offset + length)]),
  )
  const random = new Random(5)
  const pixels = Array.from({ length: 8 }, () => uniform(random, 3 * 64 * 64).map((x) => (x + 1) / 2))
  await using engine = new Engine({ threads: 1, memory: 'pieces' })
  const said: string[] = []
  const images = { height: 64, width: 64, pixels }
  const named = await cutStudent(engine, { teacher: { config, values }, student, images }, (line) => said.push(line))
  const wanted = layoutOfModel(student).entries
  expect(named.map(({ name, shape }) => ({ name, shape }))).toEqual(wanted.map(({ name, shape }) => ({ name, shape })))
  const cut = /features\.(11|12|13|17)\.|neck\.reduce\.3|decoder\.proj_out/
  for (const { name, values: own } of named) {
    expect(own.every(Number.isFinite), name).toBe(true)
    if (!cut.test(name)) expect(own, name).toEqual(values.get(name))
  }
  expect(said.filter((line) => line.startsWith('block'))).toHaveLength(4)
})
