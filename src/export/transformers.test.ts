/** An exported folder in the library it is made for: loaded unchanged, with no network, it predicts what this package does. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { env, pipeline, RawImage } from '@huggingface/transformers'
import { beforeAll, describe, expect, test } from 'vitest'
import { engineRunner } from '../../test/engine-runner.ts'
import { relativeError } from '../../test/op-harness.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY, writeTinyModel } from '../../test/tiny-model.ts'
import { compile, Graph } from '../graph/index.ts'
import { type RgbImage, resizeBilinear } from '../image/index.ts'
import { buildDar, type DarConfig, inferenceOutputs, normaliseImage, parseConfig } from '../model/index.ts'
import { loadModel, openModel } from '../node/index.ts'
import { renderRoom } from '../rooms/index.ts'
import { Engine } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { averagingFactor } from './average.ts'
import { exportModel } from './index.ts'

env.allowRemoteModels = false

const TINY_VIT: DarConfig = parseConfig({
  ...TINY,
  encoder: 'vit',
  encoderWidth: 32,
  encoderDepth: 4,
  encoderHeads: 2,
  posGrid: [5, 5],
  neckChannels: [8, 16, 24, 32],
})

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})

function someImage(width: number, height: number) {
  const random = new Random(3)
  // Smooth in places and rough in others, so that channels and axes cannot be swapped unseen.
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)]
    return [x + y, 255 - 2 * y, 40 + random.integer(0, x + 1)][i % 3] & 255
  })
  return { width, height, data }
}

/**
 * What the library says of a picture of exactly the size that the folder takes, which it does not resize, and what the model
 * says of the same picture averaged down by the formula of average.ts in plain loops; maps of the picture's size.
 */
async function predictions(model: string, out: string, [width, height]: readonly [number, number]) {
  const factor = averagingFactor({ width, height })
  const image = someImage(factor * width, factor * height)
  // One thread: two that wait for each other are slow where cores are shared.
  const pipe = await pipeline('depth-estimation', out, { session_options: { intraOpNumThreads: 1 } })
  const theirs = await pipe(new RawImage(image.data, image.width, image.height, 3))
  await pipe.dispose()
  const file = await openModel(model, { mapAbove: Number.POSITIVE_INFINITY })
  const graph = new Graph()
  const input = normaliseImage(graph.input('image', [1, 3, height, width]), file.config)
  const { depth } = inferenceOutputs(buildDar(input, file.config), ['depth'], { maps: 'image' })
  await using engine = new Engine({ threads: 1 })
  const program = await engineRunner(engine).load(compile({ depth }, { name: 'reference', weights: file.weights }))
  const { outputs } = await program.run({ image: averaged(image, factor) }, ['depth'])
  await program.dispose()
  return {
    theirs: theirs.predicted_depth,
    ours: resizeBilinear(outputs.depth, width, height, image.width, image.height),
  }
}

/** Planes in [0, 1]; the last `factor` − 1 rows and columns are not looked at. */
function averaged({ width, height, data }: RgbImage, factor: number): Float32Array {
  const weight = (t: number) => Math.min(1, Math.max(0, (7 / 8 - Math.abs(t)) / (3 / 4)))
  const [columns, rows] = [width / factor, height / factor]
  const planes = new Float32Array(3 * columns * rows)
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        let [sum, weights] = [0, 0]
        for (let v = factor * (y - 1); v < Math.min(factor * (y + 2), height - factor + 1); v++)
          for (let u = factor * (x - 1); u < Math.min(factor * (x + 2), width - factor + 1); u++) {
            if (u < 0 || v < 0) continue
            const w = weight((u + 0.5) / factor - x - 0.5) * weight((v + 0.5) / factor - y - 0.5)
            sum += w * data[3 * (v * width + u) + c]
            weights += w
          }
        planes[(c * rows + y) * columns + x] = sum / weights / 255
      }
  return planes
}

const MODELS = [
  { name: 'MobileNetV2', config: TINY, size: [96, 64] },
  { name: 'a ViT', config: TINY_VIT, size: [98, 70] },
  {
    name: 'the soft tree of dar-nano',
    config: parseConfig({
      ...TINY,
      window: 'soft',
      leaves: 16,
      upsample: 'bilinear',
      neckFeatures: 16,
      fine: true,
      detail: true,
      binGrid: 'halved',
    }),
    size: [96, 64],
  },
  { name: 'a ViT with elastic windows', config: parseConfig({ ...TINY_VIT, window: 'elastic' }), size: [70, 70] },
] as const

describe('a folder that @huggingface/transformers loads unchanged', () => {
  test.each(MODELS)('$name', { timeout: 240_000 }, async ({ config, size }) => {
    const [width, height] = size
    const model = await writeTinyModel(
      join(folder, `${width}-${config.window.kind}-${config.encoder.kind}.safetensors`),
      {
        config,
        dtype: 'F32',
        metadata: { predictSize: `${width}x${height}` },
      },
    )
    const out = `${model}-export`
    await exportModel(model, out, { sizes: [{ width, height }] })
    const { theirs, ours } = await predictions(model, out, size)
    const factor = averagingFactor({ width, height })
    expect(theirs.dims).toEqual([factor * height, factor * width])
    // A map of one value would agree with many a wrong one.
    expect(ours.reduce((a, b) => Math.max(a, b)) - ours.reduce((a, b) => Math.min(a, b))).toBeGreaterThan(0.01)
    expect(relativeError(theirs.data as Float32Array, ours)).toBeLessThan(1e-4)
  })

  test.each([
    ['copied from the model’s own file', 'fp32', 'F32'],
    ['of values in memory', 'fp32', 'F16'],
    ['of half precision', 'fp16', 'F32'],
    ['of int8', 'int8', 'F32'],
  ] as const)(
    'with weights in files beside it as with weights inside, %s',
    { timeout: 120_000 },
    async (...options) => {
      const [, precision, dtype] = options
      const size = { width: 70, height: 98 }
      const model = await writeTinyModel(join(folder, `beside-${precision}-${dtype}.safetensors`), {
        config: TINY_VIT,
        dtype,
        metadata: { predictSize: `${size.width}x${size.height}` },
      })
      const written: string[] = []
      const onFile = (path: string) => written.push(path)
      await exportModel(model, `${model}-inside`, { sizes: [size], precision })
      await exportModel(model, `${model}-beside`, { sizes: [size], precision, maxFileBytes: 80_000, onFile })
      expect(written.length).toBeGreaterThan(2) // the graph and two data files at least
      expect(written[2]).toBe(`${written[0]}_data_1`)
      for (const path of written.slice(1)) expect((await stat(path)).size).toBeLessThanOrEqual(80_000)
      const inside = await predictions(model, `${model}-inside`, [size.width, size.height])
      const beside = await predictions(model, `${model}-beside`, [size.width, size.height])
      expect(beside.theirs.data).toEqual(inside.theirs.data)
    },
  )

  test('the shipped dar-nano, in every precision, the file found by config.json alone', {
    timeout: 240_000,
  }, async () => {
    const tolerance = { fp32: 1e-4, fp16: 0.01, int8: 0.03 } as const
    for (const precision of ['fp32', 'fp16', 'int8'] as const) {
      const out = join(folder, `nano-${precision}`)
      const size = { width: 256, height: 192 } // one that it was trained at: what it says at others is less steady
      const { sizes } = await exportModel('dar-nano', out, { precision, sizes: [size] })
      const { theirs, ours } = await predictions('dar-nano', sizes[0].folder, [size.width, size.height])
      const mean = ours.reduce((sum, d, i) => sum + Math.abs(Number(theirs.data[i]) / d - 1), 0) / ours.length
      expect(mean, precision).toBeLessThan(tolerance[precision])
      if (precision === 'fp32') expect(relativeError(theirs.data as Float32Array, ours)).toBeLessThan(1e-4)
    }
  })

  test('photos of other sizes, which the library resizes, give the metres that this package gives', {
    timeout: 240_000,
  }, async () => {
    const out = join(folder, 'nano-photos')
    await exportModel('dar-nano', out, { sizes: [{ width: 320, height: 240 }] })
    const pipe = await pipeline('depth-estimation', out, { session_options: { intraOpNumThreads: 1 } })
    await using model = await loadModel('dar-nano', { threads: 1 })
    for (const width of [400, 640, 1200]) {
      // larger than the network: a smaller photo is enlarged first, which blurs it
      const { image } = renderRoom({ seed: 11, width, height: (3 * width) / 4 })
      const theirs = (await pipe(new RawImage(image.data.slice(), image.width, image.height, 3))).predicted_depth
      const { depth } = await model.predict(image)
      const off = depth.reduce((sum, d, i) => sum + Math.abs(Number(theirs.data[i]) / d - 1), 0) / depth.length
      expect(off, `${width} pixels wide`).toBeLessThan(0.02)
    }
    const { data, width, height } = someImage(64, 48)
    const two = [new RawImage(data, width, height, 3), new RawImage(data, width, height, 3)]
    const refusal: unknown = await pipe(two).catch((error: unknown) => error)
    await pipe.dispose()
    expect(String(refusal)).toContain('one image per call: give them one after the other')
    expect(String(refusal).trim()).not.toContain('\n')
  })
})
