import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { tinyConfig } from '../../test/tiny-config.ts'
import { compile } from '../graph/index.ts'
import { type DarConfig, inferenceGraph, lastScores } from '../model/index.ts'
import { Engine, live } from '../runtime/engine.ts'
import { readWeights } from '../runtime/weights.ts'
import { Random } from '../support/random.ts'
import { openTeacher, teacherOutputs } from './distil.ts'
import { writeInitialModel } from './initial-model.ts'
import type { Recipe } from './recipe.ts'
import { sessionOf, tinyRecipe, writeRooms } from './testing.ts'
import { withTeacher } from './with-teacher.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const SOFT = { patch: 16, posGrid: [2, 4], layerScale: false, neckChannels: [8, 8, 8, 8], window: 'soft', leaves: 8 }
const STUDENT = tinyConfig(SOFT)
/** Twice as wide, with a finer grid of its own. */
const TEACHER = tinyConfig({ ...SOFT, encoderWidth: 32, memoryWidth: 32, width: 32, binGrid: 'halved' })
const SIZE = { height: 32, width: 64, batch: 2 }

let data = ''
let large = ''
let own = ''
beforeAll(async () => {
  data = await temporaryFolder()
  await writeRooms(join(data, 'rooms'), { count: 4, ...SIZE })
  large = join(data, 'large.safetensors')
  own = join(data, 'own.safetensors')
  await writeInitialModel(large, TEACHER, { seed: 3 })
  await writeInitialModel(own, STUDENT, { seed: 5 })
})
afterEach(() => {
  expect(live).toEqual({ engines: 0, programs: 0, buffers: 0 })
})

const recipe = (distil: Recipe['distil'], change: Partial<Recipe> = {}) =>
  tinyRecipe({ model: STUDENT, distil, stages: [{ height: 32, width: 64, batch: 2, updates: 2 }], ...change })
const run = (name: string, one: Recipe) => sessionOf(one, { data, out: join(data, name) })
/** What the teacher adds to the loss of the first update. */
const added = async (name: string, distil: Recipe['distil']) => {
  const [{ loss, terms }] = (await run(name, recipe(distil))).figures
  return loss - terms.reduce((sum, term) => sum + term)
}

describe('a run with a teacher', () => {
  it('adds what the teacher says, by weight, and nothing when the teacher is the student itself', async () => {
    expect(Math.abs(await added('own', { teacher: 'own.safetensors', bins: 1, maps: 1 }))).toBeLessThan(1e-4)
    const once = await added('once', { teacher: 'large.safetensors', maps: 0 })
    expect(once).toBeGreaterThan(1e-3)
    const thrice = await added('thrice', { teacher: 'large.safetensors', bins: 3, maps: 0 })
    expect(thrice / (3 * once)).toBeCloseTo(1, 3)
    expect(await added('maps', { teacher: 'large.safetensors', bins: 0, maps: 1 })).toBeGreaterThan(1e-3)
  })

  it('has the same losses in micro-batches', async () => {
    const distil = { teacher: 'large.safetensors', maps: 0.5 }
    const stages = (accumulate: number) => [{ height: 32, width: 64, batch: 4, updates: 2, accumulate }]
    const optimiser = { epsilon: 1e-4 }
    const whole = await run('whole', recipe(distil, { stages: stages(1), optimiser }))
    const parts = await run('parts', recipe(distil, { stages: stages(2), optimiser }))
    for (const [i, loss] of whole.losses.entries()) expect(Math.abs(parts.losses[i] / loss - 1)).toBeLessThan(1e-5)
  })

  it.each<[string, NonNullable<Recipe['distil']>, RegExp]>([
    ['that is not there', { teacher: 'none.safetensors' }, /cannot read the model .*none\.safetensors/],
    ['without weight', { teacher: 'own.safetensors', bins: 0, maps: 0 }, /neither bins nor maps/],
    ['of other bins', { teacher: 'dar-nano', bins: 1 }, /dar-nano has other bins than the student/],
  ])('refuses one %s', async (_, distil, message) => {
    await expect(run('refused', recipe(distil))).rejects.toThrow(message)
  })
})

it('the targets are the probabilities that the teacher predicts with, on the student’s grid', async () => {
  const engine = new Engine({ threads: 1 })
  try {
    const { values } = await readWeights(own)
    const weights = { kind: 'embedded', values } as const
    const image = Float32Array.from({ length: 2 * 3 * 32 * 64 }, (_, i) => new Random(1, i).uniform())
    const answer = async (outputs: Parameters<typeof compile>[0]) => {
      await using program = await engine.load(compile(outputs, { weights }))
      return program.run({ image })
    }
    const { model } = inferenceGraph(STUDENT, SIZE, { batch: 2 })
    const z = lastScores(model)
    if (!z) throw new Error('no scores')
    const { scores, depth } = await answer({ scores: z, depth: model.imageMap })
    const { targets, taught } = await answer(teacherOutputs(STUDENT, STUDENT, { bins: 1, maps: 1 }, SIZE))
    const [, count, rows, columns] = z.shape
    const area = rows * columns
    const expected = Float32Array.from(scores as Float32Array, (value, i) => {
      const first = Math.floor(i / (count * area)) * count * area + (i % area)
      const all = Array.from({ length: count }, (_, n) => Math.exp(Number(scores[first + n * area])))
      return Math.exp(Number(value)) / all.reduce((sum, one) => sum + one)
    })
    expect(Math.max(...expected.map((value, i) => Math.abs(value - Number(targets[i]))))).toBeLessThan(1e-6)
    expect(taught).toEqual(depth)
  } finally {
    await engine.dispose()
  }
})

it('a teacher with the student’s bins gives soft targets, another one only its maps', async () => {
  const weightsFor = async (student: DarConfig) =>
    (await openTeacher({ teacher: 'own.safetensors' }, student, (path) => join(data, path))).weights
  expect(await weightsFor(TEACHER)).toEqual({ bins: 1, maps: 0.1 })
  expect(await weightsFor(tinyConfig({ ...SOFT, leaves: 16 }))).toEqual({ bins: 0, maps: 0.1 })
})

describe('withTeacher', () => {
  it('takes a folder as a set of its own, a third of the images, in every stage', () => {
    const taught = withTeacher(tinyRecipe(), join(data, 'rooms'), data)
    expect(taught.data[1]).toEqual({ kind: 'dataset', name: 'taught-rooms', path: 'rooms', weight: 0.5, teacher: true })
    expect(taught.stages[0].loss).toEqual({ teacher: 0.1, teacherFit: 'scale' })
  })

  it('takes a model by its name or its file', () => {
    expect(withTeacher(tinyRecipe(), 'dar-nano', data).distil).toEqual({ teacher: 'dar-nano' })
    expect(withTeacher(tinyRecipe(), large, data).distil).toEqual({ teacher: 'large.safetensors' })
    expect(() => withTeacher(tinyRecipe(), 'dar-nono', data)).toThrow(/no model 'dar-nono'/)
  })
})
