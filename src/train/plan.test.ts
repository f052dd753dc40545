import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { tinyConfig } from '../../test/tiny-config.ts'
import { parseConfig } from '../model/index.ts'
import { layoutOfModel } from './initial-model.ts'
import { runMemory, totalOf } from './memory.ts'
import { planRun } from './plan.ts'
import { parseRecipe } from './recipe.ts'
import { tinyRecipe, writeRooms } from './testing.ts'

vi.setConfig({ testTimeout: 120_000 })

const stage = { height: 32, width: 64, batch: 2 }
const recipe = parseRecipe(
  tinyRecipe({
    data: [
      { kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1, split: { kind: 'tail', fraction: 0.25, gap: 0 } },
    ],
    stages: [{ ...stage, updates: 9, also: [{ height: 32, width: 32 }] }],
    optimiser: { multipliers: { 'encoder.': 0 } },
    validateEvery: 4,
  }),
  'test',
)

describe('planRun', () => {
  let data = ''
  beforeAll(async () => {
    data = await temporaryFolder()
    await writeRooms(join(data, 'rooms'), { count: 4, width: 64, height: 32 })
  })

  it('tells counts, epochs, memory and time, and writes nothing', async () => {
    const plan = await planRun(recipe, { data, threads: 1 })
    expect(plan).toMatchObject({ recipe: 'tiny', updates: 9, images: 18, validations: 3 })
    expect(plan.parameters.trained).toBeLessThan(plan.parameters.total)
    expect(plan.data).toEqual([{ name: 'rooms', weight: 1, images: 18, frames: 3, held: 1, epochs: 6, problem: null }])
    const { shapes } = plan.stages[0]
    expect(shapes.map(({ width, updates }) => [width, updates])).toEqual([
      [64, 5],
      [32, 4],
    ])
    for (const { stepSeconds, batchSeconds } of shapes) {
      expect(stepSeconds).toBeGreaterThan(0)
      expect(batchSeconds).toBeGreaterThan(0)
    }
    expect(plan.flops).toBe(5 * shapes[0].flops + 4 * shapes[1].flops)
    expect(plan.seconds).toBeGreaterThan(0)
    expect(plan.memory.total).toBe(totalOf(plan.memory.items))
    expect(await readdir(data)).toEqual(['rooms'])
    expect(existsSync(join('runs', 'tiny'))).toBe(false)
  })

  it('names the folder that is missing, and tells the rest without it', async () => {
    const inParts = { ...recipe, stages: [{ ...stage, accumulate: 2, updates: 9 }] }
    const plan = await planRun(inParts, { data: '/nowhere', threads: 1 })
    expect(plan.data).toMatchObject([
      { frames: null, epochs: null, problem: expect.stringMatching(/\/nowhere\/rooms/) },
    ])
    expect(plan.stages[0].shapes[0]).toMatchObject({ batchSeconds: null })
    expect(plan.seconds).toBeGreaterThan(0)
    expect(plan.notes).toContain('measured on noise: the time that reading the data takes is not in it')
  })

  it('refuses a model that WebGPU computes wrongly, as the run would, before it asks for a device', async () => {
    const model = tinyConfig({ patch: 16, posGrid: [2, 4], layerScale: false, neckChannels: [8, 8, 8, 9], bins: 5 })
    await expect(planRun({ ...recipe, model }, { data, device: 'webgpu' })).rejects.toThrow(
      /^WebGPU computes neck\..* of tiny wrongly, a convolution over a multiple of 3 channels; train on the CPU$/,
    )
  })

  it('measures nothing that has no room in memory, and says so', async () => {
    const plan = await planRun(recipe, { data, room: 1e6 })
    expect(plan.seconds).toBeNull()
    expect(plan.notes[0]).toMatch(/64×32, batch 2: not measured, because it needs .* GB and 0\.0 GB are free here/)
  })
})

describe('runMemory', () => {
  const only = { ...recipe, stages: [{ ...stage, updates: 1 }] }

  it('adds the shapes of a stage up, and takes the stage that needs most', () => {
    const [one, two] = [only, recipe].map((of) => runMemory(of, { frames: [3], held: 1 }))
    const small = runMemory(
      { ...recipe, stages: [{ height: 32, width: 32, batch: 2, updates: 1 }] },
      { frames: [3], held: 1 },
    )
    expect(two.activations).toBeCloseTo(one.activations + small.activations, 0)
    expect(two.state).toBe(one.state)
    const after = { ...recipe, stages: [...recipe.stages, { ...stage, batch: 1, updates: 1 }] }
    expect(runMemory(after, { frames: [3], held: 1 })).toEqual(two)
  })

  it('has caches no larger than the data, validation where frames are held out, and every worker', () => {
    const of = (data: Parameters<typeof runMemory>[1], loading = {}) => runMemory(only, data, loading)
    expect(of({ frames: [3] }).loaders).toBeLessThan(of({}).loaders - 0.9e9)
    expect(of({ held: 0 }).validation).toBe(0)
    expect(of({}, { workers: 2 }).loaders).toBeGreaterThan(1.9 * of({}).loaders)
    expect(of({}, { cacheMegabytes: 0 }).loaders).toBeLessThan(0.2e9)
  })

  it('has the furniture of a folder, and a teacher with its weights twice', () => {
    expect([runMemory(only).furniture, runMemory(only).teacher]).toEqual([0, 0])
    const [one, two] = [1, 2].map((workers) => runMemory(only, { furnished: true }, { workers }).furniture)
    expect([one, two - one]).toEqual([(384 + 64) * 2 ** 20, 384 * 2 ** 20])
    const values = { kind: 'embedded', values: new Map() } as const
    const taught = (config: typeof only.model) =>
      runMemory(only, { teacher: { config, values, weights: { bins: 0, maps: 1 } } }).teacher
    const wide = parseConfig({ ...only.model, gruWidth: 64 })
    const more = 4 * (layoutOfModel(wide).length - layoutOfModel(only.model).length)
    expect(taught(wide) - taught(only.model)).toBeGreaterThan(2 * more)
  })
})
