/**
 * The ways to a depth map that latency.ts compares, from the pixels of one 640×480 photo: calls of this package, and transformers.js
 * on the same model as `dar export` writes it, for the network size that this package chooses. Each has a model of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { env, pipeline, RawImage } from '@huggingface/transformers'
import { exportModel } from '../src/export/index.ts'
import { type RgbImage, resizeImage } from '../src/image/index.ts'
import { decodeImage, loadModel } from '../src/node/index.ts'

export const WAYS = ['predict', 'predict with a signal', 'stream', 'transformers.js'] as const
export type Way = (typeof WAYS)[number]

export interface Caller {
  /** Predicts the photo. `onMap` is called after each map but the last. */
  call(onMap: () => void): Promise<unknown>
  dispose(): Promise<void>
}

const MODEL = process.env.DAR_MODEL ?? 'dar-nano'
const THREADS = Number(process.env.DAR_THREADS ?? 2)
const PHOTO = fileURLToPath(new URL('../examples/coffee.jpg', import.meta.url))

/** `exported`: what `exportForPeer` made. */
export async function openCaller(way: Way, exported: string): Promise<Caller> {
  const photo = resizeImage(await decodeImage(PHOTO), 640, 480)
  if (way === 'transformers.js') return openPeer(photo, exported)
  const model = await loadModel(MODEL, { threads: THREADS })
  const { signal } = new AbortController()
  const calls = {
    predict: () => model.predict(photo),
    'predict with a signal': () => model.predict(photo, { signal }),
    stream: async (onMap: () => void) => {
      for await (const { final } of model.stream(photo)) if (!final) onMap()
    },
  } as const
  return { call: calls[way], dispose: () => model.dispose() }
}

/** transformers.js makes an 8-bit picture of the map, too. */
async function openPeer({ data, width, height }: RgbImage, exported: string): Promise<Caller> {
  env.allowRemoteModels = false
  const pipe = await pipeline('depth-estimation', exported, { session_options: { intraOpNumThreads: THREADS } })
  const image = new RawImage(data, width, height, 3)
  return { call: () => pipe(image), dispose: () => pipe.dispose() }
}

/** The exported model in a temporary folder, for the size that `predict` takes for the photo. */
export async function exportForPeer(): Promise<AsyncDisposable & { readonly folder: string }> {
  await using model = await loadModel(MODEL, { threads: THREADS })
  const { networkSize } = await model.predict(resizeImage(await decodeImage(PHOTO), 640, 480))
  const all = await mkdtemp(join(tmpdir(), 'dar-bench-'))
  const { sizes } = await exportModel(MODEL, all, { sizes: [networkSize] })
  return { folder: sizes[0].folder, [Symbol.asyncDispose]: () => rm(all, { recursive: true, force: true }) }
}
