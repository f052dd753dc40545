import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { live } from '../runtime/engine.ts'
import { readWeights, writeWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'
import { checkpointPath, modelPath } from './checkpoint.ts'
import { initialise } from './parameters.ts'
import type { Recipe } from './recipe.ts'
import type { TrainEvent } from './run-log.ts'
import { modelLayout } from './step-program.ts'
import { MICRO_MODEL, NO_AUGMENTATION, plainFrame, tinyRecipe, writeFrame, writeRooms } from './testing.ts'
import { type TrainOptions, train } from './trainer.ts'

// Every session compiles its graphs anew: seconds on a quiet machine, a minute on a busy one.
vi.setConfig({ testTimeout: 300_000 })

type Kind<K extends TrainEvent['event']> = Extract<TrainEvent, { event: K }>

describe('train', () => {
  let data = ''
  let out = ''
  beforeAll(async () => {
    data = await temporaryFolder()
    await writeRooms(join(data, 'rooms'), { count: 4, width: 64, height: 32 })
  })
  beforeEach(async () => {
    out = join(await temporaryFolder(), 'run')
  })
  afterEach(async () => {
    // After success and after every failure: nothing native is left.
    expect(live).toEqual({ engines: 0, programs: 0, buffers: 0 })
  })

  /** Runs and collects the events. `stopAfter`: interrupts after so many updates of this session. */
  async function session(recipe: Recipe, options: Partial<TrainOptions> & { stopAfter?: number } = {}) {
    const { stopAfter, ...rest } = options
    const events: TrainEvent[] = []
    const stop = new AbortController()
    const of = <K extends TrainEvent['event']>(kind: K) =>
      events.filter((event): event is Kind<K> => event.event === kind)
    const onEvent = (event: TrainEvent) => {
      events.push(event)
      if (of('step').length === stopAfter) stop.abort()
    }
    const running = train(recipe, { data, out, threads: 1, signal: stop.signal, onEvent, ...rest })
    const outcome = await running.then(
      (result) => ({ result, error: null }),
      (error: Error) => ({ result: null, error }),
    )
    return { ...outcome, events, of }
  }
  const checkpoint = async (folder = out) => readWeights(checkpointPath(folder))
  const logLines = async () => {
    const text = await readFile(join(out, 'log.jsonl'), 'utf8')
    expect(text.endsWith('\n')).toBe(true)
    return text
      .split('\n')
      .slice(0, -1)
      .map((line): TrainEvent => JSON.parse(line)) // throws for half a line
  }

  it('is the same bit for bit when it is stopped in a stage, stopped between stages, and resumed', async () => {
    const stage = { height: 32, width: 32, batch: 2 }
    const recipe = tinyRecipe({
      stages: [
        { ...stage, updates: 3 },
        { ...stage, width: 64, updates: 3 },
      ],
    })
    const whole = await session(recipe, { out: join(out, 'whole') })
    expect(whole.result).toMatchObject({ step: 6, total: 6, reason: 'done' })
    const figures = (steps: readonly Kind<'step'>[]) =>
      steps.map(({ step, loss, terms, norm, rate }) => ({ step, loss, terms, norm, rate }))
    const expected = figures(whole.of('step'))
    expect(expected.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5])
    expect(new Set(expected.map(({ loss }) => loss)).size).toBe(6)
    for (const { loss, terms } of expected) expect(terms[0] + terms[1]).toBeCloseTo(loss, 4)

    const first = await session(recipe, { stopAfter: 1 })
    expect(first.result).toMatchObject({ step: 1, reason: 'interrupted' })
    const second = await session(recipe, { stopAfter: 2, resume: true })
    expect(second.of('start')).toMatchObject([{ step: 1, total: 6, notes: ['resumed at update 1'] }])
    expect(second.result).toMatchObject({ step: 3, reason: 'interrupted' })
    const third = await session(recipe, { resume: true, encoder: '/not/read.safetensors' })
    expect(third.of('start')[0].notes).toEqual([
      'resumed at update 3',
      '/not/read.safetensors not read: a resumed run has its own weights',
    ])
    expect(third.result).toMatchObject({ step: 6, reason: 'done' })
    expect(figures([first, second, third].flatMap(({ of }) => of('step')))).toEqual(expected)
    expect((await checkpoint()).values).toEqual((await checkpoint(join(out, 'whole'))).values)

    // The log has all three sessions, and seconds go on from one to the next.
    const lines = await logLines()
    expect(lines.filter(({ event }) => event === 'start')).toHaveLength(3)
    const steps = lines.filter((line): line is Kind<'step'> => line.event === 'step')
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5])
    steps.slice(1).forEach(({ seconds }, i) => {
      expect(seconds).toBeGreaterThan(steps[i].seconds - 0.05 - 1e-9) // a checkpoint keeps tenths of a second
    })

    // Resuming a finished run does nothing and says that it is done.
    const before = await readFile(checkpointPath(out))
    const fourth = await session(recipe, { resume: true })
    expect(fourth.result).toMatchObject({ step: 6, reason: 'done' })
    expect(fourth.of('step')).toEqual([])
    expect(await readFile(checkpointPath(out))).toEqual(before)
  })

  it('validates with the figures of every step, and logs what happened', async () => {
    const recipe = tinyRecipe({
      data: [
        { kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1, split: { kind: 'tail', fraction: 0.25, gap: 0 } },
      ],
      stages: [{ height: 32, width: 32, batch: 2, updates: 3, validationBatch: 2 }],
      validateEvery: 2,
      checkpointMinutes: 0,
    })
    const { result, of, events } = await session(recipe)
    expect(result).toMatchObject({ reason: 'done' })
    expect(of('validation').map(({ step }) => step)).toEqual([2, 3]) // and at the end
    const [figures] = of('validation')[1].sets
    expect(figures).toMatchObject({ set: 'rooms', images: 1 })
    expect(figures.steps).toHaveLength(2)
    expect(figures.metrics.abs_rel).toBeGreaterThan(0)
    expect(of('checkpoint').map(({ step }) => step)).toEqual([1, 2, 3])
    expect(existsSync(modelPath(out))).toBe(true)
    const lines = await logLines()
    expect(lines.map(({ event, step }) => [event, step])).toEqual(events.map(({ event, step }) => [event, step]))
    expect(lines[0]).toMatchObject({ parameters: of('start')[0].parameters, total: 3 }) // counts are exact
  })

  it("gives a stage its own augmentation and λ, and the others the recipe's", async () => {
    const stage = { height: 32, width: 64, batch: 2, updates: 1 }
    const losses = async (name: string, change: Partial<Recipe['stages'][number]>) => {
      const stages = [stage, { ...stage, ...change }]
      const { of } = await session(tinyRecipe({ stages }), { out: join(out, name) })
      return of('step').map(({ loss }) => loss)
    }
    const plain = await losses('plain', {})
    const upright = await losses('upright', { augmentation: NO_AUGMENTATION })
    const strict = await losses('strict', { loss: { varianceFocus: 0 } })
    expect([upright[0], strict[0]]).toEqual([plain[0], plain[0]])
    expect(upright[1]).not.toBe(plain[1])
    expect(strict[1]).toBeGreaterThan(plain[1])
  })

  it('weighs the gradient term where a stage asks for it', async () => {
    const stage = { height: 32, width: 64, batch: 2, updates: 1 }
    const first = async (name: string, edges?: number) => {
      const { of } = await session(tinyRecipe({ stages: [{ ...stage, loss: { edges } }] }), { out: join(out, name) })
      return of('step')[0]
    }
    const [plain, at0, weighed] = [await first('plain'), await first('at0', 0), await first('weighed', 0.1)]
    expect([at0.loss, at0.norm]).toEqual([plain.loss, plain.norm]) // bit for bit
    expect(weighed.terms).toEqual(plain.terms)
    expect(weighed.loss).toBeGreaterThan(plain.loss)
  })

  it("learns from a teacher's images beside measured ones, up to scale and shift of their inverse depth", async () => {
    const updates = async (name: string, depthScale: number) => {
      const options = { layout: 'folder', depthScale } as const
      const taught = { kind: 'dataset', name: 'taught', path: 'rooms', options, weight: 1, teacher: true } as const
      const recipe = tinyRecipe({
        data: [{ kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1 }, taught],
        augmentation: NO_AUGMENTATION,
        stages: [{ height: 32, width: 64, batch: 2, updates: 3, loss: { teacher: 0.5 } }],
      })
      const { of, result } = await session(recipe, { out: join(out, name) })
      expect(result).toMatchObject({ reason: 'done' })
      return of('step').map(({ loss, terms }) => ({ terms, taught: loss - terms[0] - terms[1] }))
    }
    // The same photos, as the truth has them and as somebody saw them who is wrong by half.
    const [right, half] = [await updates('right', 1000), await updates('half', 2000)]
    for (const { taught } of right) expect(taught).toBeLessThan(10 * 0.5)
    expect(right.some(({ taught }) => taught > 0.01)).toBe(true)
    expect(half[0].terms).toEqual(right[0].terms) // the measured image's alone
    for (const [i, { taught }] of half.entries()) expect(taught).toBeCloseTo(right[i].taught, 2)
  })

  it('leaves parameters with a multiplier of 0 as they were, and gives the rest the gradient that they have without', async () => {
    const trained = async (multipliers: Record<string, number>) => {
      const folder = join(out, `${Object.keys(multipliers).length}`)
      const stages = [{ height: 32, width: 64, batch: 2, updates: 1 }]
      // No clipping: the norm is that of the gradients that there are.
      await session(tinyRecipe({ stages, optimiser: { clip: 1e9, weightDecay: 0.1, multipliers } }), { out: folder })
      return (await checkpoint(folder)).values
    }
    const [free, frozen] = [await trained({}), await trained({ 'encoder.': 0 })]
    const layout = modelLayout(MICRO_MODEL, { height: 32, width: 64 })
    const start = initialise(layout, 5)
    let largest = 0
    for (const { name } of layout.entries)
      for (const v of free.get(`m/${name}`) ?? []) largest = Math.max(largest, Math.abs(v))
    for (const { name, offset, length } of layout.entries) {
      const before = start.slice(offset, offset + length)
      expect(free.get(`params/${name}`), name).not.toEqual(before)
      if (name.startsWith('encoder.')) {
        expect(frozen.get(`params/${name}`), name).toEqual(before)
        continue
      }
      // After one update the first moment is the gradient, times 1 − β₁.
      const [m, expected] = [frozen.get(`m/${name}`), free.get(`m/${name}`)]
      const errors = Array.from(m ?? [], (v, i) => Math.abs(v - (expected?.[i] ?? Number.NaN)))
      expect(Math.max(...errors), name).toBeLessThan(1e-5 * largest)
    }
  })

  it('refuses to train when everything is frozen', async () => {
    const { error } = await session(tinyRecipe({ optimiser: { multipliers: { '': 0 } } }))
    expect(error).toBeInstanceOf(DarError)
    expect(error?.message).toContain('every parameter is frozen')
  })

  it('takes other shapes in turn, and says which sizes it was trained at', async () => {
    const stage = { height: 32, width: 64, batch: 2, updates: 3 }
    const also = [{ height: 48, width: 32 }]
    const recipe = tinyRecipe({ model: MICRO_MODEL, stages: [{ ...stage, also }] })
    const { of, result } = await session(recipe, { out: join(out, 'mixed') })
    expect(result?.step).toBe(3)
    expect(of('step').every(({ loss }) => Number.isFinite(loss))).toBe(true)
    const { metadata } = await readWeights(modelPath(join(out, 'mixed')))
    expect(metadata.predictSizes).toBe('64x32,32x48')
  })

  it('stops when its time is up, with a checkpoint that goes on', async () => {
    const { result, of } = await session(tinyRecipe(), { minutes: 1e-9 })
    expect(result).toMatchObject({ step: 0, total: 6, reason: 'time' })
    expect(of('checkpoint')).toHaveLength(1)
    const { metadata } = await checkpoint()
    expect(metadata).toMatchObject({ recipe: 'tiny', step: '0', predictSizes: '64x32' })
  })

  describe('when the loss is not finite', () => {
    it('keeps the last good checkpoint if the weights have diverged, and names the frames', async () => {
      await session(tinyRecipe(), { stopAfter: 2 })
      const good = await readFile(checkpointPath(out))
      const schedule = { rate: 1e30, initialRate: 1e30, finalRate: 1e30, warmup: 0 }
      const { error, of } = await session(tinyRecipe({ schedule }), { resume: true, force: true })
      expect(error).toBeInstanceOf(DarError)
      expect(error?.message).toMatch(/update 3: the loss is .* not finite/)
      expect(error?.message).toMatch(/The batch was rooms\/room\d, rooms\/room\d; .* weights have diverged/)
      expect(error?.message).toContain(`The checkpoint in ${out} is of update 2`)
      expect(of('step').map(({ step }) => step)).toEqual([2])
      expect(await readFile(checkpointPath(out))).toEqual(good)
      expect((await logLines()).at(-1)).toMatchObject({ event: 'failed', step: 3, message: error?.message })
    })

    it('keeps the weights before the batch if only that batch fails, and names its frame', async () => {
      // A weight of the patch embedding so large that a white pixel, and only that, overflows.
      const layout = modelLayout(MICRO_MODEL, { height: 32, width: 32 })
      const values = initialise(layout, 1)
      const patch = layout.entries.find(({ name }) => name === 'encoder.patch_embed.weight')
      values[patch?.offset ?? -1] = 2e38
      const tensors = layout.entries.map(({ name, shape, offset, length }) => ({
        name,
        shape,
        values: values.slice(offset, offset + length),
      }))
      const weights = join(data, 'huge.safetensors')
      await writeWeights(weights, tensors, {})
      for (let i = 0; i < 5; i++) await writeFrame(join(data, 'plain'), `grey${i}`, ...plainFrame(32, 32, 128, 1 + i))
      await writeFrame(join(data, 'plain'), 'white', ...plainFrame(32, 32, 255, 2))
      const recipe = tinyRecipe({
        seed: 8, // the white picture comes third
        data: [{ kind: 'dataset', name: 'plain', path: 'plain', weight: 1 }],
        stages: [{ height: 32, width: 32, batch: 1, updates: 6 }],
        augmentation: NO_AUGMENTATION,
      })
      const { error, of } = await session(recipe, { weights })
      expect(error).toBeInstanceOf(DarError)
      expect(error?.message).toMatch(/The batch was plain\/white; the next one is fine, so look at these frames/)
      const done = of('step').length
      expect(done).toBeGreaterThan(0)
      expect(error?.message).toContain(`is of update ${done}`)
      const kept = await checkpoint()
      expect(kept.metadata.step).toBe(`${done}`)
      for (const all of kept.values.values()) expect(all.every(Number.isFinite)).toBe(true)

      // The same run, told to leave such batches out, from there on.
      const skipping = await session(recipe, { resume: true, skipBad: true })
      expect(skipping.error).toBeNull()
      const [{ step, skipped, message }] = skipping.of('skipped')
      expect([step, skipped]).toEqual([done, 1])
      expect(message).toMatch(/^update \d: the loss is .*not finite\. The batch was plain\/white$/)
      expect(skipping.of('step').map(({ step }) => step)).toEqual([3, 4, 5].filter((one) => one > done))
      expect(skipping.of('end')[0]).toMatchObject({ step: 6, skipped: 1, reason: 'done' })
      expect((await checkpoint()).metadata.skipped).toBe('1')
    })

    it('skips no more than a few in a row', async () => {
      const schedule = { rate: 1e38, initialRate: 1e38, finalRate: 1e38, warmup: 0 }
      const stages = [{ height: 32, width: 64, batch: 2, updates: 20 }]
      const { error, of } = await session(tinyRecipe({ schedule, stages }), { skipBad: true })
      expect(error?.message).toMatch(/the next one fails too, so the weights have diverged/)
      expect(of('skipped')).toHaveLength(5)
    })
  })

  it('starts from an encoder under public names, and says what it took', async () => {
    const { entries } = modelLayout(MICRO_MODEL, { height: 32, width: 32 })
    const timm = entries.flatMap(({ name, shape, length }) => {
      const bare = /^encoder\.(.*)/.exec(name)?.[1].replace('patch_embed.', 'patch_embed.proj.')
      return bare === undefined ? [] : [{ name: bare, shape, values: new Float32Array(length).fill(0.125) }]
    })
    const path = join(data, 'timm.safetensors')
    await writeWeights(path, timm, {})
    const schedule = { rate: 1e-12, initialRate: 1e-12, finalRate: 1e-12, warmup: 0 } // the weights stay where they start
    const { error, of } = await session(tinyRecipe({ schedule }), { encoder: path, stopAfter: 1 })
    expect(error).toBeNull()
    expect(of('start')[0].notes).toEqual([`${path}: ${timm.length} tensors loaded, 0 left as initialised, 0 not used`])
    const { values } = await checkpoint()
    for (const { name } of entries) {
      const all = values.get(`params/${name}`)
      expect(
        all?.every((value) => value === 0.125),
        name,
      ).toBe(name.startsWith('encoder.'))
    }
  })

  it('keeps the state when a frame cannot be read, and names the file', async () => {
    for (let i = 0; i < 3; i++) await writeFrame(join(data, 'torn'), `whole${i}`, ...plainFrame(32, 32, 50 * i, 1 + i))
    await writeFrame(join(data, 'torn'), 'torn', ...plainFrame(32, 32, 1, 2))
    const path = join(data, 'torn', 'rgb', 'torn.png')
    await writeFile(path, (await readFile(path)).subarray(0, 40))
    const recipe = tinyRecipe({
      seed: 8, // the torn picture comes last
      data: [{ kind: 'dataset', name: 'torn', path: 'torn', weight: 1 }],
      stages: [{ height: 32, width: 32, batch: 1, updates: 4 }],
    })
    const { error, of } = await session(recipe)
    expect(error).toBeInstanceOf(DarError)
    expect(error?.message).toContain(path)
    expect(of('step').length).toBeGreaterThan(0)
    expect((await checkpoint()).metadata.step).toBe(`${of('step').length}`)

    const skipping = await session(recipe, { resume: true, skipBad: true })
    expect(skipping.error).toBeNull()
    expect(skipping.of('skipped').map(({ step, message }) => [step, message.includes(path)])).toEqual([
      [of('step').length, true],
    ])
    expect(of('step').length + skipping.of('step').length).toBe(3)
    expect((await checkpoint()).metadata).toMatchObject({ step: '4', skipped: '1' })
  })

  describe('refuses', () => {
    const refusal = async (change: Partial<Recipe>, options: Partial<TrainOptions> = {}) => {
      const { error, events } = await session(tinyRecipe(change), options)
      expect(error).toBeInstanceOf(DarError)
      expect(events).toEqual([])
      return error?.message
    }

    it('a recipe, a data folder or an output folder that cannot be, before it starts anything', async () => {
      const stages = [{ height: 32, width: 60, batch: 1, updates: 1 }]
      expect(await refusal({ stages })).toMatch(/stages\.0\.width: is 60, but vit takes multiples of 16/)
      expect(await refusal({}, { data: '/nowhere' })).toContain('/nowhere/rooms')
      expect(existsSync(out)).toBe(false)
      const file = join(data, 'huge.txt')
      await writeFile(file, '')
      expect(await refusal({}, { out: join(file, 'run') })).toMatch(/cannot make the folder .*choose another folder/)
    })

    it('weights that are not there, that are of another model, or broken', async () => {
      expect(await refusal({}, { weights: '/no/such.safetensors' })).toContain('/no/such.safetensors')
      const path = join(data, 'other.safetensors')
      await writeWeights(path, [{ name: 'unknown', shape: [1], values: Float32Array.of(1) }], {})
      expect(await refusal({}, { encoder: path })).toContain(`${path} has no tensor that this model has`)
      const encoder = modelLayout(MICRO_MODEL, { height: 32, width: 32 }).entries.flatMap(({ name, shape, length }) => {
        const bare = /^encoder\.(.*)/.exec(name)?.[1]
        const values = new Float32Array(length).fill(bare === 'cls_token' ? Number.NaN : 1)
        return bare === undefined ? [] : [{ name: bare, shape, values }]
      })
      await writeWeights(path, encoder, {})
      expect(await refusal({}, { encoder: path })).toMatch(/cls_token holds values that are not finite/)
    })

    it('to resume what is not there', async () => {
      expect(await refusal({}, { resume: true })).toMatch(/there is no checkpoint/)
    })

    it('to overwrite a checkpoint, or to resume a longer run than the recipe', async () => {
      await session(tinyRecipe(), { stopAfter: 2 })
      expect(await refusal({})).toMatch(/holds a checkpoint; go on with --resume/)
      const stages = [{ height: 32, width: 64, batch: 2, updates: 1 }]
      expect(await refusal({ stages }, { resume: true })).toMatch(/is of update 2, but the recipe has only 1/)
    })
  })
})
