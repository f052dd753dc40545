/**
 * From the pixels of a 640×480 photo to its depth map with dar-nano on two threads, without decoding: median of each
 * part after warm-up. With `DAR_PEERS` set to a folder that holds `fastdepth.onnx`, FastDepth (224×224) predicts the
 * same photo in turn, so that both see the same machine. `DAR_MODEL` names another model or file.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RgbImage, resizeBilinear, resizeImage, toPlanes } from '../src/image/index.ts'
import { decodeImage, loadModel } from '../src/node/index.ts'
import { Engine } from '../src/runtime/engine.ts'
import { median, type Row } from './report.ts'

const THREADS = 2
const WARM_UP = 5
const TARGET_MS = 150
const PHOTO = fileURLToPath(new URL('../examples/coffee.jpg', import.meta.url))

export async function benchPredict({ runs = 30 }: { runs?: number } = {}): Promise<Row[]> {
  const photo = resizeImage(await decodeImage(PHOTO), 640, 480)
  await using model = await loadModel(process.env.DAR_MODEL ?? 'dar-nano', { threads: THREADS })
  await using peer = await openFastDepth(process.env.DAR_PEERS)
  const parts = { prepare: [] as number[], run: [] as number[], finish: [] as number[] }
  const whole: number[] = []
  const stepped: number[] = []
  const fastDepth: number[] = []
  for (let i = 0; i < WARM_UP + runs; i++) {
    const [total, map] = await timed(() => model.predict(photo))
    const [withSteps] = await timed(() => model.predict(photo, { steps: true }))
    const [peerTotal] = peer ? await timed(() => peer.predict(photo)) : [Number.NaN]
    if (i < WARM_UP) continue
    whole.push(total)
    stepped.push(withSteps)
    fastDepth.push(peerTotal)
    for (const [name, samples] of Object.entries(parts)) samples.push(map.milliseconds[name as keyof typeof parts])
  }
  const milliseconds = (name: string, samples: number[]): Row => ({ name, value: median(samples), unit: 'ms' })
  return [
    milliseconds(`${model.name}, 640×480: whole prediction`, whole),
    milliseconds('  resize to the network', parts.prepare),
    milliseconds('  network', parts.run),
    milliseconds('  metres, resize to the photo', parts.finish),
    { name: 'whole prediction, quietest run', value: Math.min(...whole), unit: 'ms' },
    { name: `${TARGET_MS} ms / whole prediction`, value: TARGET_MS / median(whole), unit: 'ratio', target: 1 },
    milliseconds('whole prediction with every step', stepped),
    ...(peer ? [milliseconds('FastDepth, 640×480: whole prediction', fastDepth)] : []),
  ]
}

async function timed<T>(body: () => Promise<T>): Promise<[milliseconds: number, result: T]> {
  const begin = performance.now()
  const result = await body()
  return [performance.now() - begin, result]
}

/** FastDepth on an engine of its own with as many threads; null without the folder. */
async function openFastDepth(folder: string | undefined) {
  if (!folder) return null
  const path = join(folder, 'fastdepth.onnx')
  if (!existsSync(path)) throw new Error(`DAR_PEERS is ${folder}, which holds no fastdepth.onnx`)
  const engine = new Engine({ threads: THREADS })
  const side = 224
  const port = (name: string, channels: number) => ({
    name,
    shape: [1, channels, side, side],
    dtype: 'float32' as const,
  })
  const compiled = {
    name: 'FastDepth',
    model: new Uint8Array(),
    inputs: [port('image', 3)],
    parameters: [],
    outputs: [port('depth', 1)],
  }
  const program = await engine.load(compiled, { path })
  return {
    predict: async (image: RgbImage): Promise<Float32Array> => {
      const { depth } = await program.run({ image: toPlanes(image, side, side) }, { transfer: true })
      return resizeBilinear(depth as Float32Array, side, side, image.width, image.height)
    },
    [Symbol.asyncDispose]: () => engine.dispose(),
  }
}
