/** `stream` from the pipeline to the loaded model: its maps are those of `predict`, and what nobody asks for is not run. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineRunner } from '../../test/engine-runner.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY as TINY_CONTEXT, writeTinyModel } from '../../test/tiny-model.ts'
import type { RgbImage } from '../image/types.ts'
import { relativeError } from '../inspect/trace-model.ts'
import { type DarConfig, parseConfig } from '../model/index.ts'
import { loadModel } from '../node/load-model.ts'
import { openModel } from '../node/model-file.ts'
import { Engine, live } from '../runtime/engine.ts'
import type { DepthModel } from './depth-model.ts'
import { type Job, Pipeline, type StepAnswer } from './pipeline.ts'
import type { Runner } from './runner.ts'
import type { StreamedMap } from './types.ts'

/** With the context at each step's own size, as in the models that ship. */
const TINY = parseConfig({ ...TINY_CONTEXT, contextGrid: 'step' })
const SIZE = { width: 128, height: 96 }

function photo(width = 100, height = 75): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => 128 + 100 * Math.sin(i / 50))
  return { width, height, data }
}

/** The bits of a map, which compare in a moment. */
const bits = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength)

let folder = ''
let file = ''
let engine: Engine
let model: DepthModel
beforeAll(async () => {
  folder = await temporaryFolder()
  file = await writeTinyModel(join(folder, 'tiny.safetensors'), { config: TINY })
  engine = new Engine({ threads: 1 })
  model = await loadModel(file, { threads: 1 })
})
afterAll(async () => {
  await model.dispose()
  await engine.dispose()
})

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}

/** Counts the runs of programs. */
function counting(runner: Runner): { runner: Runner; readonly runs: string[] } {
  const runs: string[] = []
  return {
    runs,
    runner: {
      load: async (compiled) => {
        const graph = await runner.load(compiled)
        return {
          outputs: graph.outputs,
          dispose: () => graph.dispose(),
          run: (feeds, fetch) => {
            runs.push(compiled.name)
            return graph.run(feeds, fetch)
          },
        }
      },
    },
  }
}

const job = (options: Partial<Job> = {}): Job => ({
  image: photo(),
  metres: 1.5,
  range: null,
  steps: true,
  maps: 'image',
  ...options,
})

describe('the stream of a pipeline', () => {
  it('is predict up to rounding where all steps share the convolution of a context', async () => {
    const opened = await openModel(await writeTinyModel(join(folder, 'context.safetensors')), { mapAbove: 1e9 })
    await using pipeline = new Pipeline(opened, engineRunner(engine))
    const [whole] = await pipeline.predict(SIZE, [job()])
    const steps = await collect(pipeline.stream(SIZE, job()))
    for (const [i, { maps }] of steps.entries())
      expect(relativeError(maps!.depth.data, whole.steps[i].depth.data)).toBeLessThan(1e-5)
  })

  const soft = { window: 'soft', leaves: 8, upsample: 'bilinear', binGrid: 'halved', fine: true, neckFeatures: 16 }
  it.each<[string, DarConfig]>([
    ['windows', TINY],
    ['the soft tree', parseConfig({ ...TINY, ...soft })],
    ['steps without bins', parseConfig({ ...TINY_CONTEXT, head: 'transformer', upsample: 'bilinear' })],
    ['the masked form', parseConfig({ ...TINY, form: 'masked' })],
    ['no context', parseConfig({ ...TINY, context: false, contextGrid: 'memory' })],
    ['a head without steps', parseConfig({ ...TINY_CONTEXT, head: 'dpt', dptOutput: 'metric', upsample: 'bilinear' })],
  ])('is predict with every step, bit for bit: %s', async (name, config) => {
    const path = await writeTinyModel(join(folder, `${name}.safetensors`), { config })
    const opened = await openModel(path, { mapAbove: 1e9 })
    await using pipeline = new Pipeline(opened, engineRunner(engine))
    const [whole] = await pipeline.predict(SIZE, [job()])
    const steps = await collect(pipeline.stream(SIZE, job()))
    expect(steps.map(({ step, of }) => [step, of])).toEqual(whole.steps.map((_, i) => [i + 1, whole.steps.length]))
    steps.forEach(({ maps, finite }, i) => {
      const { depth, sigma } = whole.steps[i]
      expect(finite).toBe(true)
      expect(bits(maps!.depth.data).equals(bits(depth.data))).toBe(true)
      expect(maps!.sigma && bits(maps!.sigma.data)).toEqual(sigma && bits(sigma.data))
    })
  })

  it('runs a program a step, when the step is asked for, and none after the caller has left', async () => {
    const opened = await openModel(file, { mapAbove: 1e9 })
    const { runner, runs } = counting(engineRunner(engine))
    const before = { ...live }
    {
      await using pipeline = new Pipeline(opened, runner)
      const stream = pipeline.stream(SIZE, job())
      expect(runs).toEqual([])
      await stream.next()
      expect(runs).toEqual(['tiny at 128x96, stage 1 of 2'])
      expect(live.programs).toBe(before.programs + 1)
      await stream.return()
      expect(runs).toHaveLength(1)
      await collect(pipeline.stream(SIZE, job()))
      expect(runs).toHaveLength(3)
      expect(live.programs).toBe(before.programs + 2)
    }
    expect(live).toEqual(before)
  })

  it('gives the maps of the last step only, unless the job wants every step', async () => {
    const opened = await openModel(file, { mapAbove: 1e9 })
    await using pipeline = new Pipeline(opened, engineRunner(engine))
    const answers: StepAnswer[] = await collect(pipeline.stream(SIZE, job({ steps: false })))
    expect(answers.map(({ maps }) => maps !== null)).toEqual([false, true])
  })

  it('that could not be loaded is loaded anew the next time', async () => {
    const opened = await openModel(file, { mapAbove: 1e9 })
    let failures = 1
    const { load } = engineRunner(engine)
    const runner: Runner = {
      load: (compiled) => (failures-- > 0 ? Promise.reject(new Error('no room')) : load(compiled)),
    }
    await using pipeline = new Pipeline(opened, runner)
    await expect(collect(pipeline.stream(SIZE, job()))).rejects.toThrow('no room')
    expect(await collect(pipeline.stream(SIZE, job()))).toHaveLength(TINY.steps)
  })
})

describe('the stream of a model', () => {
  it('ends with the map of predict, bit for bit, at the size of the photo', async () => {
    const image = photo(97, 61)
    const { depth, sigma, steps, ...about } = await model.predict(image, { steps: true, focal: 90 })
    const maps = await collect(model.stream(image, { focal: 90 }))
    expect(maps.map(({ step, of, final }) => [step, of, final])).toEqual([
      [1, 2, false],
      [2, 2, true],
    ])
    maps.forEach((map, i) => {
      expect(bits(map.depth).equals(bits(steps[i].depth))).toBe(true)
      expect(bits(map.sigma!).equals(bits(steps[i].sigma!))).toBe(true)
      expect(map.data).toBe(map.depth)
      const { width, height, focal, networkSize, warnings } = about
      expect(map).toMatchObject({ width, height, focal, networkSize, warnings, steps: [] })
    })
    expect(bits(maps[1].depth).equals(bits(depth))).toBe(true)
    expect(maps[0].milliseconds.run).toBeLessThan(maps[1].milliseconds.run)
  })

  it('takes turns with other calls, and with other streams', async () => {
    const [left, right] = [photo(), photo(75, 100)]
    const expected = await Promise.all([left, right].map((image) => model.predict(image)))
    const streams = [left, right, left, right, left].map((image) => model.stream(image))
    const firsts = await Promise.all(streams.map((stream) => stream.next()))
    expect(firsts.every(({ done }) => !done)).toBe(true)
    expect(bits((await model.predict(left)).depth).equals(bits(expected[0].depth))).toBe(true)
    const lasts = await Promise.all(streams.map((stream) => stream.next()))
    lasts.forEach(({ value }, i) => {
      expect(bits((value as StreamedMap).depth).equals(bits(expected[i % 2].depth))).toBe(true)
    })
    for (const stream of streams) expect((await stream.next()).done).toBe(true)
  })

  it('that is left or aborted leaves the model as it was', async () => {
    for await (const { step } of model.stream(photo())) {
      expect(step).toBe(1)
      break
    }
    const reason = new Error('no longer wanted')
    const stop = new AbortController()
    const seen: number[] = []
    const aborted = (async () => {
      for await (const { step } of model.stream(photo(), { signal: stop.signal })) {
        seen.push(step)
        stop.abort(reason)
      }
    })()
    await expect(aborted).rejects.toBe(reason)
    expect(seen).toEqual([1])
    await expect(model.stream(photo(), { signal: stop.signal }).next()).rejects.toBe(reason)
    expect(await collect(model.stream(photo()))).toHaveLength(2)
  })

  it('says in its first step what is wrong, and the next call is none the worse', async () => {
    await expect(model.stream(join(folder, 'absent.jpg')).next()).rejects.toThrow(/absent\.jpg was not found/)
    await expect(model.stream(photo(), { steps: true } as object).next()).rejects.toThrow(
      /stream has no option 'steps'/,
    )
    expect(await collect(model.stream(photo()))).toHaveLength(2)
  })

  it('ends between two steps when the model is disposed, which waits for the step under way', async () => {
    const before = { ...live }
    const fresh = await loadModel(file, { threads: 1 })
    const stream = fresh.stream(photo())
    const underWay = stream.next()
    await fresh.dispose()
    expect((await underWay).value?.step).toBe(1)
    await expect(stream.next()).rejects.toThrow(/tiny was disposed; load it again/)
    await expect(fresh.stream(photo()).next()).rejects.toThrow(/tiny was disposed/)
    expect(live).toEqual(before)
  })
})

describe('predict with a signal', () => {
  it('gives the same map, and its steps', async () => {
    const { signal } = new AbortController()
    const [plain, stoppable] = [
      await model.predict(photo(), { steps: true }),
      await model.predict(photo(), { steps: true, signal }),
    ]
    expect(bits(stoppable.depth).equals(bits(plain.depth))).toBe(true)
    expect(stoppable.steps.map(({ depth }) => bits(depth))).toEqual(plain.steps.map(({ depth }) => bits(depth)))
    expect((await model.predict(photo(), { signal })).steps).toEqual([])
  })
})
