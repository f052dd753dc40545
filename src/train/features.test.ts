import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { createBatchMaker, openDataset, renderRoom, type SourceSpec, wholeFrame } from '../data/index.ts'
import { Engine } from '../runtime/engine.ts'
import { augmentationProblems, freezesEncoder } from './cacheable.ts'
import { ALONE } from './collective.ts'
import { featuresFolder, prepareFeatures } from './features.ts'
import { GradientStep } from './gradient-step.ts'
import { STATE_NAMES, type TrainingState } from './optimiser.ts'
import { Owner } from './owner.ts'
import { initialise } from './parameters.ts'
import { modelLayout } from './step-program.ts'
import { MICRO_MODEL, NO_AUGMENTATION, sessionOf, tinyRecipe, writeRooms } from './testing.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const SIZE = { height: 32, width: 64 }

describe('which recipes can keep features', () => {
  it('those whose pictures are the same every time', () => {
    expect(augmentationProblems(NO_AUGMENTATION)).toEqual([])
    expect(augmentationProblems({ ...NO_AUGMENTATION, minScale: 0.5, rotation: 9 })).toEqual([]) // whole frames have neither
    expect(augmentationProblems({ ...NO_AUGMENTATION, mirror: 0.5, jpeg: 0.1 })).toEqual([
      'mirror: 0 (is 0.5)',
      'jpeg: 0 (is 0.1)',
    ])
    expect(augmentationProblems()).toHaveLength(7) // the defaults crop, mirror and colour
  })

  it('those that freeze the whole encoder', () => {
    expect(freezesEncoder({ 'encoder.': 0 })).toBe(true)
    expect(freezesEncoder({ enc: 0, 'neck.': 0.5 })).toBe(true)
    expect(freezesEncoder({ 'encoder.norm.': 0.1, 'encoder.': 0 })).toBe(false)
    expect(freezesEncoder({ 'encoder.': 0, 'encoder.norm.': 0.1 })).toBe(true) // the first that fits counts
    expect(freezesEncoder({ 'encoder.': 0.1 })).toBe(false)
    expect(freezesEncoder()).toBe(false)
  })
})

describe('features on disk', () => {
  let folder = ''
  let source: SourceSpec
  let engine: Engine
  let state: TrainingState
  const owner = new Owner()
  const layout = modelLayout(MICRO_MODEL, SIZE)
  beforeAll(async () => {
    folder = await temporaryFolder()
    await writeRooms(join(folder, 'rooms'), { count: 3, width: 96, height: 64 })
    source = { kind: 'dataset', root: join(folder, 'rooms'), name: 'rooms', weight: 1, names: ['room0', 'room2'] }
    engine = new Engine({ threads: 1 })
    const values = (name: string) => (name === 'params' ? initialise(layout, 5) : new Float32Array(layout.length))
    const buffers = STATE_NAMES.map(async (name) => [name, owner.hold(await engine.allocate(name, values(name)))])
    state = Object.fromEntries(await Promise.all(buffers)) as TrainingState
  })
  afterAll(async () => {
    await owner.dispose()
    await engine.dispose()
  })
  const prepare = (out = folder) =>
    prepareFeatures(
      { engine, config: MICRO_MODEL, layout, params: state.params, sources: [source], folder: join(out, 'features') },
      SIZE,
    )
  const batchOf = (features?: Awaited<ReturnType<typeof prepare>>) =>
    createBatchMaker({ sources: [source], batch: 2, ...SIZE, seed: 3, features }, renderRoom)

  it('give the loss and the gradient that the pictures give', async () => {
    const features = await prepare()
    const batch = await (await batchOf(features)).make(0)
    expect(batch.image).toHaveLength(0)
    const dataset = await openDataset(join(folder, 'rooms'), { name: 'rooms' })
    const frames = await Promise.all([0, 1, 2].map((i) => dataset.get(i)))
    const samples = batch.names.map((name) => {
      const frame = frames.find((one) => one.name === name)
      return wholeFrame(frame ?? expect.fail(name), SIZE)
    })
    const join2 = (parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]))
    const image = join2(samples.map((sample) => sample.image))
    expect(batch.depth).toEqual(join2(samples.map((sample) => sample.depth)))
    const run = async (fromFeatures: boolean) => {
      await state.grads.write(new Float32Array(layout.length))
      const options = { ...SIZE, batch: 2, frozen: (name: string) => name.startsWith('encoder.'), fromFeatures }
      const model = { config: MICRO_MODEL, layout, state }
      const step = await GradientStep.open(engine, model, options, { accumulator: null, collective: ALONE })
      const copy = { ...batch, image: image.slice(), depth: batch.depth.slice() }
      const figures = await step.run([copy])
      await step.dispose()
      return { ...figures, gradient: await state.grads.read() }
    }
    const [pictures, stored] = [await run(false), await run(true)]
    expect(Math.abs(stored.loss / pictures.loss - 1)).toBeLessThan(1e-6)
    const norm = (values: Float32Array) => Math.hypot(...values)
    expect(norm(pictures.gradient)).toBeGreaterThan(0)
    const difference = stored.gradient.map((v, i) => v - pictures.gradient[i])
    expect(norm(difference) / norm(pictures.gradient)).toBeLessThan(1e-6)
  })

  it('are computed once for a picture, an encoder and a size', async () => {
    const out = await temporaryFolder()
    const first = await prepare(out)
    const written = await Promise.all(Object.values(first.files).map(async (path) => (await stat(path)).mtimeMs))
    expect(Object.keys(first.files)).toEqual(['rooms/room0', 'rooms/room2'])
    expect(await prepare(out)).toEqual(first)
    expect(await Promise.all(Object.values(first.files).map(async (path) => (await stat(path)).mtimeMs))).toEqual(
      written,
    )
    // Another value in the neck changes no feature; in the encoder, all.
    const values = await state.params.read()
    const entryOf = (start: string) => layout.entries.find(({ name }) => name.startsWith(start)) ?? expect.fail(start)
    const changed = async (start: string) => {
      const other = values.slice()
      other[entryOf(start).offset] += 1
      await state.params.write(other)
      return prepare(out)
    }
    expect(await changed('neck.')).toEqual(first)
    const second = await changed('encoder.')
    await state.params.write(values)
    for (const [name, path] of Object.entries(second.files)) expect(path).not.toBe(first.files[name])
    expect(await readdir(join(out, 'features'))).toHaveLength(4)
  })

  it('are refused by name when a file is damaged', async () => {
    const out = await temporaryFolder()
    const features = await prepare(out)
    const path = features.files['rooms/room2']
    const bytes = await readFile(path)
    bytes[bytes.length - 5] ^= 0x55
    await writeFile(path, bytes)
    await expect((await batchOf(features)).make(0)).rejects.toThrow(path)
  })
})

it('a run on kept features is the same bit for bit when stopped and resumed, and nearly the run on pictures', async () => {
  const data = await temporaryFolder()
  await writeRooms(join(data, 'rooms'), { count: 3, width: SIZE.width, height: SIZE.height })
  const recipe = (cacheFeatures: boolean) =>
    tinyRecipe({
      augmentation: NO_AUGMENTATION,
      stages: [{ ...SIZE, batch: 2, updates: 3, cacheFeatures }],
      optimiser: { multipliers: { 'encoder.': 0 } },
    })
  const run = (name: string, cacheFeatures: boolean, options: { stopAfter?: number; resume?: boolean } = {}) =>
    sessionOf(recipe(cacheFeatures), { data, out: join(data, name), ...options })
  const [whole, pictures] = [await run('whole', true), await run('pictures', false)]
  expect(await readdir(featuresFolder(join(data, 'whole')))).toHaveLength(3)
  // The loader's own sampling of pictures at their size differs from prediction's in the last row and column.
  for (const [i, loss] of pictures.losses.entries()) expect(Math.abs(whole.losses[i] / loss - 1)).toBeLessThan(1e-3)
  const first = await run('stopped', true, { stopAfter: 1 })
  const second = await run('stopped', true, { resume: true })
  expect([...first.figures, ...second.figures]).toEqual(whole.figures)
  expect(second.values).toEqual(whole.values)
})
