/** Both sides of a page's worker over a message channel, with Node's engine in the place of the browser's. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import ort from 'onnxruntime-node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY, writeTinyModel } from '../../test/tiny-model.ts'
import { parseConfig } from '../model/index.ts'
import { decodeImage, loadModel } from '../node/index.ts'
import type { StreamedMaps } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { openWebModel } from './connect-depth.ts'
import { Connection } from './connection.ts'
import { answerPage } from './host.ts'
import { type OrtEngine, ortRunner } from './ort-runner.ts'
import type { Numbered, Port, Reply, WebImage } from './protocol.ts'

const WIDTH = 90
const HEIGHT = 70
const image = {
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => 128 + 100 * Math.sin(i / 50)),
}
const channel = new MessageChannel()
const connection = new Connection(channel.port1 as unknown as Port<Reply, Numbered>)
let hard = ''
let soft = ''

beforeAll(async () => {
  const folder = await temporaryFolder()
  hard = await writeTinyModel(join(folder, 'hard.safetensors'))
  const config = parseConfig({
    ...TINY,
    neckFeatures: 16,
    window: 'soft',
    leaves: 8,
    fine: true,
    detail: true,
    upsample: 'bilinear',
  })
  soft = await writeTinyModel(join(folder, 'soft.safetensors'), { config })
  answerPage(channel.port2 as unknown as Port<Numbered, Reply>, {
    start: async () => ({
      runner: ortRunner(ort as unknown as OrtEngine, { provider: 'cpu' }),
      report: { provider: 'wasm', threads: 1, note: null },
    }),
    fetchBytes: (url) => readFile(url),
    decode: (photo) => decodeImage(photo as Uint8Array),
  })
  expect(await connection.call({ kind: 'start', engine: 'auto' })).toMatchObject({ provider: 'wasm' })
})

afterAll(() => {
  channel.port1.close()
})

it('predicts what Node’s model predicts, bit for bit, each step of it', async () => {
  const model = await openWebModel(connection, { name: 'hard', url: hard })
  expect(model.metric).toBe(true)
  const maps = await model.predict(image, { steps: true, focal: 80 })
  await using reference = await loadModel(hard)
  const expected = await reference.predictMaps(image, { steps: true, focal: 80 })
  expect(maps.focal).toEqual(expected.focal)
  expect(maps.steps.map(({ depth }) => [...depth.data])).toEqual(expected.steps.map(({ depth }) => [...depth.data]))
  expect([...maps.depth.data]).toEqual([...expected.depth.data])
  await model.dispose()
  await expect(model.predict(image)).rejects.toThrow('the model hard is not open')
})

it('streams the maps of each step, those of predict, and computes nothing more when it is left', async () => {
  const model = await openWebModel(connection, { name: 'hard', url: hard })
  const { steps } = await model.predict(image, { steps: true, focal: 80 })
  const streamed: StreamedMaps[] = []
  for await (const maps of model.stream(image, { focal: 80 })) streamed.push(maps)
  expect(streamed.map(({ step, of, final }) => [step, of, final])).toEqual([
    [1, 2, false],
    [2, 2, true],
  ])
  // The engine fuses the nodes of one program a step in another way: the last digit of a float32 may differ.
  streamed.forEach(({ depth }, i) => {
    const expected = steps[i].depth.data
    expect(depth.data).toHaveLength(expected.length)
    expect(depth.data.every((metres, at) => Math.abs(metres / expected[at] - 1) < 1e-5)).toBe(true)
  })
  // A stream that is left ends in the worker, too: the page's next number is refused there.
  const left = model.stream(image)
  await left.next()
  await left.return()
  await expect(connection.call({ kind: 'step', stream: 2 })).rejects.toThrow('the stream has ended')
  await expect(model.stream(Uint8Array.of(1)).next()).rejects.toMatchObject({ kind: 'input' })
  await model.dispose()
})

it('takes a photo as its file, as RGBA, as grey, and refuses what is none', async () => {
  const model = await openWebModel(connection, { name: 'hard', url: hard })
  const depths = async (photo: WebImage) => [...(await model.predict(photo, { focal: 80 })).depth.data]
  const rgba = new Uint8ClampedArray(4 * WIDTH * HEIGHT).map((_, i) =>
    i % 4 === 3 ? 255 : image.data[3 * Math.floor(i / 4) + (i % 4)],
  )
  expect(await depths({ width: WIDTH, height: HEIGHT, data: rgba })).toEqual(await depths(image))
  const file = await readFile('examples/coffee.jpg')
  expect(await depths(new Blob([file]))).toEqual(await depths(new Uint8Array(file)))
  expect(await depths({ width: WIDTH, height: HEIGHT, data: image.data.subarray(0, WIDTH * HEIGHT) })).toHaveLength(
    96 * 128,
  )
  await expect(depths({ width: 3, height: 3, data: Uint8Array.of(1, 2) })).rejects.toThrow('give a Blob')
  await model.dispose()
})

it.each([
  ['hard windows', () => hard],
  ['soft branches', () => soft],
])('shows the tree of a pixel, %s, in the metres of the map', async (name, path) => {
  const model = await openWebModel(connection, { name, url: path() })
  const { steps } = await model.predict(image, { steps: true, focal: 80 })
  const tree = await model.tree(20, 30)
  for (const { probabilities, edges } of tree) {
    expect(probabilities.reduce((sum, p) => sum + p)).toBeCloseTo(1, 4)
    expect(edges).toHaveLength(probabilities.length + 1)
  }
  const cell = ({ width, height, data }: (typeof steps)[number]['depth']) =>
    data[Math.floor((30 * height) / HEIGHT) * width + Math.floor((20 * width) / WIDTH)]
  expect(tree[0].depth).toBeCloseTo(cell(steps[0].depth), 4)
  // Another photo, another tree.
  await model.predict({ ...image, data: image.data.map((value) => 255 - value) })
  expect((await model.tree(20, 30))[0].depth).not.toBe(tree[0].depth)
  await model.dispose()
})

it('tells a user’s mistake as such', async () => {
  await expect(openWebModel(connection, { name: 'none', url: '/nowhere' })).rejects.toThrow('ENOENT')
  const model = await openWebModel(connection, { name: 'hard', url: hard })
  await expect(model.tree(1, 1)).rejects.toThrow('no photo has been predicted yet')
  const mistake = await model.predict(Uint8Array.of(1, 2, 3)).catch((error: unknown) => error)
  expect(mistake).toBeInstanceOf(DarError)
  expect(mistake).toMatchObject({ message: expect.stringContaining('not an image'), kind: 'input' })
  await model.predict(image)
  await expect(model.tree(WIDTH, 0)).rejects.toThrow(`outside the image of ${WIDTH}×${HEIGHT}`)
  await model.dispose()
})

it('fails what waits for a worker that is gone', async () => {
  const silent = new Connection({ postMessage: () => {}, addEventListener: () => {} })
  const call = silent.call({ kind: 'tree', model: 'x', x: 0, y: 0 })
  silent.fail('the worker stopped')
  await expect(call).rejects.toMatchObject({ message: 'the worker stopped', kind: 'gone' })
  await expect(silent.call({ kind: 'close', model: 'x' })).rejects.toThrow('the worker stopped')
})

it('refuses a model that WebGPU computes wrongly, instead of giving wrong metres', async () => {
  const { port1, port2 } = new MessageChannel()
  try {
    answerPage(port2 as unknown as Port<Numbered, Reply>, {
      start: async () => ({
        runner: { load: () => Promise.reject(new Error('not reached')) },
        report: { provider: 'webgpu', threads: 1, note: null },
      }),
      fetchBytes: (url) => readFile(url),
      decode: (photo) => decodeImage(photo as Uint8Array),
    })
    const gpu = new Connection(port1 as unknown as Port<Reply, Numbered>)
    await gpu.call({ kind: 'start', engine: 'webgpu' })
    const model = await openWebModel(gpu, { name: 'quarter', url: hard }) // its neck reads 6 channels
    await expect(model.predict(image)).rejects.toThrow('WebGPU computes neck.reduce.0.weight of quarter wrongly')
  } finally {
    port1.close()
  }
})
