import { existsSync } from 'node:fs'
import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readWeights } from '../runtime/weights.ts'
import { bestModelPath, checkpointPath } from './checkpoint.ts'
import { type BestMetric, dropEarlier, figureOf, isBetter, keepEarlier } from './keep.ts'
import type { Recipe } from './recipe.ts'
import type { TrainEvent } from './run-log.ts'
import { tinyRecipe, writeRooms } from './testing.ts'
import { type TrainOptions, train } from './trainer.ts'

vi.setConfig({ testTimeout: 300_000 })

let data = ''
let out = ''
beforeAll(async () => {
  data = await temporaryFolder()
  await writeRooms(join(data, 'rooms'), { count: 10, width: 64, height: 32 })
})
beforeEach(async () => {
  out = await temporaryFolder()
})

async function session(recipe: Recipe, options: Partial<TrainOptions> & { stopAfter?: number } = {}) {
  const events: TrainEvent[] = []
  const stop = new AbortController()
  const onEvent = (event: TrainEvent) => {
    events.push(event)
    if (events.filter((one) => one.event === 'step').length === options.stopAfter) stop.abort()
  }
  await train(recipe, { data, out, threads: 1, signal: stop.signal, onEvent, ...options })
  return <K extends TrainEvent['event']>(kind: K) =>
    events.filter((event): event is Extract<TrainEvent, { event: K }> => event.event === kind)
}
const files = async () => (await readdir(out)).filter((name) => name.startsWith('checkpoint')).sort()

describe('earlier checkpoints', () => {
  it('are those of the last updates, as many as the recipe keeps, and hold their own update', async () => {
    const recipe = tinyRecipe({ checkpointMinutes: 0, keepCheckpoints: 3 })
    await session(recipe, { stopAfter: 2 })
    expect(await files()).toEqual(['checkpoint-1.safetensors', 'checkpoint.safetensors'])
    await session(recipe, { resume: true })
    expect(await files()).toEqual(['checkpoint-4.safetensors', 'checkpoint-5.safetensors', 'checkpoint.safetensors'])
    const stepOf = async (file: string) => (await readWeights(join(out, file))).metadata.step
    expect(await Promise.all((await files()).map(stepOf))).toEqual(['4', '5', '6'])
  })

  it('help when the last one is damaged: the error names the newest, and the run goes on from it', async () => {
    const recipe = tinyRecipe({ checkpointMinutes: 0, keepCheckpoints: 2 })
    await session(recipe, { stopAfter: 3 })
    const whole = await session(recipe, { resume: true })
    await truncate(checkpointPath(out), 5000)
    const earlier = join(out, 'checkpoint-5.safetensors')
    await expect(session(recipe, { resume: true })).rejects.toThrow(`${earlier} is of update 5: copied over`)
    await copyFile(earlier, checkpointPath(out))
    const again = await session(recipe, { resume: true })
    expect(again('step').map(({ step, loss }) => [step, loss])).toEqual([[5, whole('step').at(-1)?.loss]])
  })

  it('are no other files, and a name that is taken by an older one is given anew', async () => {
    for (const [file, text] of Object.entries({
      'checkpoint.safetensors': 'new',
      'checkpoint-7.safetensors': 'stale',
      'checkpoint-8.safetensors': '8',
      'checkpoint-10.safetensors': '10',
      'checkpoint-mine.safetensors': 'mine',
    }))
      await writeFile(join(out, file), text)
    await keepEarlier(out, checkpointPath(out), 7)
    expect(await readFile(join(out, 'checkpoint-7.safetensors'), 'utf8')).toBe('new')
    await dropEarlier(out, 2)
    expect(await files()).toEqual([
      'checkpoint-10.safetensors',
      'checkpoint-8.safetensors',
      'checkpoint-mine.safetensors',
      'checkpoint.safetensors',
    ])
  })

  it('cannot be kept in a folder that is not there: one line that names the file', async () => {
    const missing = join(out, 'gone')
    await expect(keepEarlier(missing, checkpointPath(missing), 3)).rejects.toThrow(
      /cannot write .*gone\/checkpoint-3\.safetensors/,
    )
  })
})

describe('the best model', () => {
  const CHOOSING: Recipe['data'] = [
    {
      kind: 'dataset',
      name: 'rooms',
      path: 'rooms',
      weight: 1,
      split: { kind: 'tail', fraction: 0.2, gap: 0 },
      choose: { kind: 'tail', fraction: 0.25, gap: 0 },
    },
  ]

  it('is the one of the validation that the frames held out for it like best, also over a resume', async () => {
    const best: BestMetric = 'abs_rel'
    const recipe = tinyRecipe({ data: CHOOSING, best, validateEvery: 1, checkpointMinutes: 0 })
    const first = await session(recipe, { stopAfter: 2 })
    const second = await session(recipe, { resume: true })
    const validations = [...first('validation'), ...second('validation')]
    expect(validations[0].sets.map(({ set, images }) => [set, images])).toEqual([
      ['rooms', 2],
      ['rooms-choice', 2],
    ])
    const figures = validations.map(({ step, sets }) => ({ step, figure: sets[1].metrics.abs_rel }))
    // A running minimum, by a loop.
    const expected: number[] = []
    let least = Number.POSITIVE_INFINITY
    for (const { step, figure } of figures)
      if (figure < least) {
        least = figure
        expected.push(step)
      }
    expect([...first('best'), ...second('best')].map(({ step }) => step)).toEqual(expected)
    const { metadata, values } = await readWeights(bestModelPath(out))
    expect(metadata.step).toBe(`${expected.at(-1)}`)
    expect(JSON.parse(metadata.best)).toEqual({ metric: 'abs_rel', figure: least })
    expect(values.size).toBeGreaterThan(10)
  })

  it('is not remembered from another recipe’s run in the folder', async () => {
    const recipe = tinyRecipe({ data: CHOOSING, best: 'd1', validateEvery: 6 })
    await session(recipe)
    const before = (await readWeights(bestModelPath(out))).metadata
    await rm(checkpointPath(out))
    const events = await session({ ...recipe, name: 'other', seed: 9 })
    expect(events('best')).toHaveLength(1)
    expect((await readWeights(bestModelPath(out))).metadata.recipe).not.toBe(before.recipe)
  })

  it('ends the run when the recipe has waited long enough for a better one, resumed or not', async () => {
    const still = { rate: 1e-30, initialRate: 1e-30, finalRate: 1e-30, warmup: 1 } // nothing changes, so nothing is better
    const change = { data: CHOOSING, best: 'abs_rel', patience: 2, validateEvery: 1, schedule: still } as const
    const recipe = tinyRecipe({ ...change, optimiser: { ema: 0 } })
    const begun = await session(recipe, { stopAfter: 1 })
    expect(begun('validation').map(({ step }) => step)).toEqual([0, 1])
    const ended = await session(recipe, { resume: true })
    expect(ended('end')).toMatchObject([{ step: 2, total: 6, reason: 'patience' }])
    expect((await readWeights(bestModelPath(out))).metadata.step).toBe('0')
    const again = await session(recipe, { resume: true })
    expect([again('step').length, again('end')[0].reason]).toEqual([0, 'patience'])
  })

  it('is kept only when the recipe asks for it', async () => {
    await session(tinyRecipe())
    expect(existsSync(bestModelPath(out))).toBe(false)
  })

  it('has the least error or the largest d1, and never a figure that is not a number', () => {
    expect(isBetter(0.2, null, 'abs_rel')).toBe(true)
    expect([0.1, 0.2, 0.3].map((figure) => isBetter(figure, 0.2, 'abs_rel'))).toEqual([true, false, false])
    expect([0.1, 0.2, 0.3].map((figure) => isBetter(figure, 0.2, 'd1'))).toEqual([false, false, true])
    expect(isBetter(Number.NaN, null, 'rmse')).toBe(false)
  })

  it('is chosen by the mean over sets, not over images, and by no other set', () => {
    const set = (name: string, images: number, abs_rel: number) =>
      ({ set: name, images, metrics: { abs_rel }, steps: [], saturated: [] }) as never
    const sets = [set('test', 5, 9), set('a-choice', 100, 0.25), set('b-choice', 1, 0.75)]
    expect(figureOf(sets, ['a-choice', 'b-choice'], 'abs_rel')).toBe(0.5)
  })
})
