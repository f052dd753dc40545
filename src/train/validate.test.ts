import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { type Dataset, folderDataset, wholeFrame } from '../data/index.ts'
import { pixelMetrics } from '../eval/index.ts'
import { parseConfig } from '../model/index.ts'
import { Engine, live } from '../runtime/engine.ts'
import { DarError } from '../support/errors.ts'
import { initialise } from './parameters.ts'
import { modelLayout } from './step-program.ts'
import { MICRO_MODEL, plainFrame, writeFrame, writeRooms } from './testing.ts'
import { Validator } from './validate.ts'

const SIZE = { height: 32, width: 64, batch: 2 }

describe('Validator', () => {
  let root = ''
  let rooms: Dataset
  const engine = new Engine({ threads: 2 })
  const layout = modelLayout(MICRO_MODEL, SIZE)
  beforeAll(async () => {
    root = await temporaryFolder()
    await writeRooms(join(root, 'rooms'), { count: 3, width: 64, height: 32 })
    await writeFrame(join(root, 'rooms'), 'unmeasured', ...plainFrame(64, 32, 9, 0))
    await writeFrame(join(root, 'empty'), 'unmeasured', ...plainFrame(64, 32, 9, 0))
    rooms = await folderDataset(join(root, 'rooms'), { name: 'rooms' })
  })
  afterAll(async () => {
    await engine.dispose()
  })

  it('gives the mean over images of the metrics in metres, for the output and for every step', async () => {
    // With all parameters 0 every bin is as likely, so every step says the middle of the range: 5.05 canonical metres.
    const weights = await engine.allocate('weights', new Float32Array(layout.length))
    const validator = await Validator.create(engine, MICRO_MODEL, layout, weights, [rooms], SIZE)
    const [figures, ...rest] = await validator.run()
    expect(rest).toEqual([])
    expect(figures).toMatchObject({ set: 'rooms', images: 3 }) // a last batch of one, and the unmeasured frame left out
    const perImage = await Promise.all(
      [0, 1, 2].map(async (i) => {
        const { depth, scale } = wholeFrame(await rooms.get(i), SIZE)
        const truth = [...depth].filter((d) => d > 0 && d < MICRO_MODEL.dMax).map((d) => d / scale)
        return pixelMetrics(Array(truth.length).fill(5.05 / scale), truth)
      }),
    )
    for (const metrics of [figures.metrics, ...figures.steps])
      for (const name of ['abs_rel', 'rmse', 'd1', 'silog'] as const)
        expect(metrics[name]).toBeCloseTo((perImage[0][name] + perImage[1][name] + perImage[2][name]) / 3, 4)
    const reading = await Validator.create(engine, MICRO_MODEL, layout, weights, [rooms], { ...SIZE, keptBytes: 0 })
    expect(await reading.run()).toEqual([figures])
    await reading.dispose()
    expect(figures.steps).toHaveLength(MICRO_MODEL.steps)
    expect(figures.saturated).toEqual(Array(MICRO_MODEL.steps).fill(0))
    await validator.dispose()
    await weights.dispose()
    expect(live).toEqual({ engines: 1, programs: 0, buffers: 0 })
  })

  it('scores the last step by what the loss scores: the convex map, not the raw one', async () => {
    const model = parseConfig({ ...MICRO_MODEL, upsample: 'convex' })
    const random = initialise(modelLayout(model, SIZE), 3)
    const weights = await engine.allocate('weights', random)
    const validator = await Validator.create(engine, model, modelLayout(model, SIZE), weights, [rooms], SIZE)
    const [{ metrics, steps }] = await validator.run()
    expect(steps[steps.length - 1]).toEqual(metrics)
    expect(steps[0]).not.toEqual(metrics)
    await validator.dispose()
    await weights.dispose()
  })

  it('tells how much of h is saturated, step by step, and nothing of a head without steps', async () => {
    const values = new Float32Array(layout.length)
    const entry = (name: string) => layout.entries.find((one) => one.name === name) ?? expect.fail(name)
    const { gruWidth, steps } = MICRO_MODEL
    // h = tanh(level_k) where all else is 0: saturated from ±2.65 on. A quarter of step 2, half of it negative.
    const level = values.subarray(entry('bins.level').offset)
    for (let i = 0; i < gruWidth / 4; i++) level[gruWidth + i] = i % 2 ? 3 : -3
    level.fill(2.6, 0, gruWidth)
    const weights = await engine.allocate('weights', values)
    const validator = await Validator.create(engine, MICRO_MODEL, layout, weights, [rooms], SIZE)
    const [{ saturated }] = await validator.run()
    expect(saturated).toEqual([0, 0.25, ...Array(steps - 2).fill(0)])
    await validator.dispose()
    const dpt = parseConfig({ ...MICRO_MODEL, head: 'dpt', upsample: 'bilinear' })
    const without = await Validator.create(engine, dpt, modelLayout(dpt, SIZE), weights, [rooms], SIZE)
    expect((await without.run())[0].saturated).toEqual([])
    await without.dispose()
    await weights.dispose()
  })

  it('refuses a set without a measured depth', async () => {
    const weights = await engine.allocate('weights', new Float32Array(layout.length))
    const empty = await folderDataset(join(root, 'empty'), { name: 'empty' })
    const creating = Validator.create(engine, MICRO_MODEL, layout, weights, [rooms, empty], SIZE)
    await expect(creating).rejects.toThrow(DarError)
    await expect(creating).rejects.toThrow(/validation set empty: none of its 1 frames has a depth between/)
    await weights.dispose()
    expect(live).toEqual({ engines: 1, programs: 0, buffers: 0 })
  })
})
