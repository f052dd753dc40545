import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { Graph, type Init } from '../graph/index.ts'
import { configText } from '../model/index.ts'
import { Engine } from '../runtime/engine.ts'
import { type NamedValues, readWeights, writeWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'
import { Random } from '../support/random.ts'
import { checkpointPath, modelPath, type Progressed, readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import type { TrainingState } from './optimiser.ts'
import { layoutOf } from './parameters.ts'
import { MICRO_MODEL } from './testing.ts'

const INIT: Init = { kind: 'constant', value: 0 }
const graph = new Graph()
graph.parameter('b.weight', [2, 3], INIT)
graph.parameter('a.bias', [4], INIT)
const layout = layoutOf(graph.parameters.values())
const belonging = { config: MICRO_MODEL, recipe: 'tiny' }
const progressed = { step: 7, seconds: 12.34, skipped: 3 }

const random = new Random(2)
const draw = () => Float32Array.from({ length: layout.length }, () => random.normal(0, 1e-3))

describe('checkpoint', () => {
  const engine = new Engine({ threads: 1 })
  const values = { params: draw(), grads: draw(), m: draw(), v: draw(), ema: draw() }
  let state: TrainingState
  let folder = ''
  const write = (into = folder, change: Partial<Progressed> = {}) =>
    writeCheckpoint(into, layout, state, { ...progressed, ...change }, { ...belonging, predictSizes: '64x32' })
  const read = (change: Partial<typeof belonging> = {}) => readCheckpoint(folder, layout, { ...belonging, ...change })

  beforeAll(async () => {
    state = {
      params: await engine.allocate('params', values.params),
      grads: await engine.allocate('grads', values.grads),
      m: await engine.allocate('m', values.m),
      v: await engine.allocate('v', values.v),
      ema: await engine.allocate('ema', values.ema),
    }
  })
  afterAll(() => engine.dispose())
  beforeEach(async () => {
    folder = await temporaryFolder()
  })

  /** Writes the checkpoint again with its tensors and metadata changed. */
  async function tamper(
    change: (tensors: NamedValues[], metadata: Record<string, string>) => NamedValues[],
  ): Promise<void> {
    const { values: stored, shapes, metadata } = await readWeights(checkpointPath(folder))
    const tensors = [...stored].map(([name, data]) => ({
      name,
      shape: shapes.get(name) ?? [],
      values: Float32Array.from(data),
    }))
    const copy = { ...metadata }
    await writeWeights(checkpointPath(folder), change(tensors, copy), copy)
  }

  it('is not newer than its model: where that cannot be written, the checkpoint stays as it was', async () => {
    await write()
    const before = await readFile(checkpointPath(folder))
    await rm(modelPath(folder))
    await mkdir(join(modelPath(folder), 'in the way'), { recursive: true })
    await expect(write(folder, { step: 8 })).rejects.toThrow(/^cannot write .*model\.safetensors/)
    expect(await readFile(checkpointPath(folder))).toEqual(before)
  })

  it('gives back what was written, bit for bit, and leaves no other file', async () => {
    await write()
    const { grads, ...kept } = values
    expect(await read()).toEqual({ ...kept, step: 7, seconds: 12.3, skipped: 3, run: null, checked: true })
    expect((await readdir(folder)).sort()).toEqual(['checkpoint.safetensors', 'model.safetensors'])
  })

  it('writes the moving average as the model, under bare names, with config and size', async () => {
    await write()
    const model = await readWeights(modelPath(folder))
    expect([...model.values.keys()].sort()).toEqual(['a.bias', 'b.weight'])
    expect(model.shapes.get('b.weight')).toEqual([2, 3])
    for (const [i, value] of (model.values.get('a.bias') ?? []).entries())
      expect(Math.abs(value - values.ema[i])).toBeLessThanOrEqual(2 ** -11 * Math.abs(values.ema[i]) + 2 ** -25)
    expect(model.metadata).toMatchObject({ recipe: 'tiny', step: '7', predictSizes: '64x32' })
    expect(model.metadata.config).toBe(configText(MICRO_MODEL))
  })

  it('leaves the old checkpoint whole when the new one cannot be written', async () => {
    const file = join(folder, 'a-file')
    await writeFile(file, 'in the way')
    await expect(write(file)).rejects.toThrow(DarError)
    await write()
    const before = await readFile(checkpointPath(folder))
    // Moments of another length than the layout: the read from the engine fails before anything is written.
    const broken = { ...state, v: { ...state.v, read: () => Promise.reject(new Error('gone')) } }
    await expect(
      writeCheckpoint(folder, layout, broken as unknown as TrainingState, progressed, {
        ...belonging,
        predictSizes: '64x32',
      }),
    ).rejects.toThrow('gone')
    expect(await readFile(checkpointPath(folder))).toEqual(before)
  })

  it('says so when there is none', async () => {
    await expect(read()).rejects.toThrow(DarError)
    await expect(read()).rejects.toThrow(/there is no checkpoint .*checkpoint\.safetensors/)
  })

  it('refuses another recipe’s checkpoint', async () => {
    await write()
    await expect(read({ recipe: 'other' })).rejects.toThrow(/belongs to recipe tiny, not other/)
  })

  it('refuses a model config that has the same shapes and another meaning, and names the field', async () => {
    await write()
    const config = { ...MICRO_MODEL, expand: 3, dMax: 20 }
    await expect(read({ config })).rejects.toThrow(DarError)
    await expect(read({ config })).rejects.toThrow(/expand 1 instead of 3, dMax 10 instead of 20/)
  })

  it('reads one whose config was written before a field with a default was added', async () => {
    await write()
    await tamper((tensors, metadata) => {
      const { ordinalBins, ...older } = JSON.parse(metadata.config)
      metadata.config = JSON.stringify(older)
      return tensors
    })
    expect((await read()).step).toBe(7)
  })

  it('names a tensor that is missing, and one of another shape with as many values', async () => {
    await write()
    await tamper((tensors) => tensors.filter(({ name }) => name !== 'm/a.bias'))
    await expect(read()).rejects.toThrow(/m\/a\.bias is missing or of another shape/)
    await write()
    await tamper((tensors) => tensors.map((one) => (one.name === 'v/b.weight' ? { ...one, shape: [3, 2] } : one)))
    await expect(read()).rejects.toThrow(/v\/b\.weight is missing or of another shape/)
  })

  it('refuses one that does not say how far it is, and one that is cut off', async () => {
    await write()
    await tamper((tensors, metadata) => {
      delete metadata.step
      return tensors
    })
    await expect(read()).rejects.toThrow(/name no update to go on from/)
    await write()
    const bytes = await readFile(checkpointPath(folder))
    await writeFile(checkpointPath(folder), bytes.subarray(0, bytes.length - 8))
    await expect(read()).rejects.toThrow(DarError)
  })
})
