/** What is reached by the package's name: each entry, and what those who build on the rooms need of several at once. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadModel } from 'dar-depth'
import { type Batch, createLoader, folderDataset, type LoadingOptions, roomsDataset } from 'dar-depth/data'
import { evaluate, modelPredictor, namedProtocol } from 'dar-depth/eval'
import { compile, Graph, gradient, square, sum } from 'dar-depth/graph'
import { Engine } from 'dar-depth/runtime'
import { type TrainEvent, train } from 'dar-depth/train'
import { beforeAll, expect, it } from 'vitest'
import { tinyRecipe, writeRooms } from '../src/train/testing.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

const ROOT = new URL('..', import.meta.url)

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  await writeRooms(join(folder, 'rooms'), { count: 4, width: 64, height: 32 })
})

it('every entry is the index of a room, and has types', () => {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
  for (const [path, entry] of Object.entries<{ types: string; default: string } | string>(exports)) {
    if (typeof entry === 'string') continue
    const room = path === '.' ? '' : `${path.slice(2)}/`
    expect(entry).toEqual({ types: `./dist/src/${room}index.d.ts`, default: `./dist/src/${room}index.js` })
    expect(existsSync(new URL(`src/${room}index.ts`, ROOT)), path).toBe(true)
  }
})

it('a graph of dar-depth/graph runs on the engine of dar-depth/runtime', async () => {
  const graph = new Graph()
  const w = graph.parameter('w', [3], { kind: 'constant', value: 0 })
  const loss = sum(square(w))
  const [slope] = gradient(loss, [w])
  await using engine = new Engine({ threads: 1 })
  await using program = await engine.load(compile({ loss, slope }))
  const { loss: value, slope: by } = await program.run({ w: Float32Array.of(1, -2, 3) })
  expect([...value]).toEqual([14])
  expect([...by]).toEqual([2, -4, 6])
})

it('a model is judged by dar-depth/eval on a data set of dar-depth/data', async () => {
  const dataset = roomsDataset({ seed: 3, count: 1, width: 64, height: 48 })
  await using model = await loadModel(await writeTinyModel(join(folder, 'tiny.safetensors')), { threads: 1 })
  const [{ images, metrics }] = await evaluate(dataset, modelPredictor(model), { protocols: [namedProtocol('indoor')] })
  expect(images).toBe(1)
  expect(metrics.abs_rel).toBeGreaterThan(0)
})

it('a folder of one’s own has a nearest and a farthest depth', async () => {
  const depths = async (range: { minimum?: number; maximum?: number }) => {
    const { depth } = await (await folderDataset(join(folder, 'rooms'), range)).get(0)
    return [...(depth?.data ?? [])].filter((metres) => metres > 0)
  }
  const all = (await depths({})).sort((a, b) => a - b)
  const [minimum, maximum] = [all[Math.floor(all.length / 4)], all[Math.floor(all.length / 2)]]
  const kept = await depths({ minimum, maximum })
  expect(kept.length).toBeLessThan(all.length)
  expect(kept.every((metres) => metres >= minimum && metres <= maximum)).toBe(true)
})

/** Everything that a loader may spend, unlike the defaults. */
const loading: LoadingOptions = { workers: 2, prefetch: 1, cacheMegabytes: 0 }

it('a loader of dar-depth/data makes the same batches whatever it may spend', { timeout: 300_000 }, async () => {
  const sources = [{ kind: 'dataset', root: join(folder, 'rooms'), name: 'rooms', weight: 1 }] as const
  const take = async (options: LoadingOptions) => {
    const batches: Batch[] = []
    for await (const batch of createLoader({ sources, batch: 2, width: 32, height: 16, seed: 1, ...options })) {
      batches.push(batch)
      if (batches.length === 3) break
    }
    return batches
  }
  expect(await take(loading)).toEqual(await take({}))
  expect(() => createLoader({ sources, batch: 2, width: 32, height: 16, seed: 1, cacheMegabytes: -1 })).toThrow(
    /cacheMegabytes is -1/,
  )
})

it('dar-depth/train trains the same whatever loading may spend', { timeout: 300_000 }, async () => {
  const recipe = tinyRecipe({ stages: [{ height: 32, width: 32, batch: 2, updates: 2 }] })
  const losses = async (name: string, options: LoadingOptions) => {
    const events: TrainEvent[] = []
    const out = join(folder, name)
    const onEvent = (event: TrainEvent) => events.push(event)
    await train(recipe, { data: folder, out, threads: 1, loading: options, onEvent })
    return events.flatMap((event) => (event.event === 'step' ? [event.loss] : []))
  }
  const expected = await losses('default', {})
  expect(expected).toHaveLength(2)
  expect(await losses('spent', loading)).toEqual(expected)
})
