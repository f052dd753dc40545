/**
 * The exported folder of dar-nano in @huggingface/transformers, in Node and in Chromium, on real photos: its metres are those of
 * this package. Looks for photos in $DAR_REAL_DATA/photos, else in ../shared/data/photos beside the repository, and for a browser
 * (test/chromium.ts); what is not there is skipped. `DAR_EXPORT_REPORT=1` prints every photo, `DAR_EXPORT_PHOTOS=40` takes more.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { env, pipeline, RawImage } from '@huggingface/transformers'
import { beforeAll, describe, expect, it } from 'vitest'
import { exportModel } from '../../src/export/index.ts'
import { CANONICAL_FOCAL } from '../../src/image/index.ts'
import { decodeImage, loadModel } from '../../src/node/index.ts'
import { findChromium, inPage } from '../chromium.ts'
import { temporaryFolder } from '../temporary-folder.ts'

env.allowRemoteModels = false

const data = process.env.DAR_REAL_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))
const root = join(data, 'photos')
const PHOTOS = Number(process.env.DAR_EXPORT_PHOTOS ?? 12)
const names = existsSync(root) ? readdirSync(root).filter((name) => name.startsWith('house_')) : []
const chosen = names.filter((_, i) => i % Math.floor(names.length / PHOTOS) === 0).slice(0, PHOTOS)
const browser = findChromium()
const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url))
const NETWORK = { width: 320, height: 240 }
/** Of the metres of a photo, mean over its pixels: the most on average over photos, and on the worst of them. */
const LIMIT = { mean: 0.02, worst: 0.05 }

describe.skipIf(chosen.length === 0)('dar-nano in @huggingface/transformers on real photos', () => {
  let folder = ''
  /** Metres of our own, and what the folder's have to be multiplied by: it knows no lens and no stretch. */
  const ours: { name: string; width: number; height: number; depth: Float32Array; scale: number }[] = []
  beforeAll(async () => {
    folder = await temporaryFolder()
    await exportModel('dar-nano', join(folder, 'nano'), { sizes: [NETWORK] })
    await using model = await loadModel('dar-nano', { threads: 1 })
    for (const name of chosen) {
      const { depth, width, height, focal, networkSize } = await model.predict(join(root, name))
      if (networkSize.width !== NETWORK.width) continue // a portrait has a folder of its own
      const pixels = focal.relative * Math.hypot(width, height)
      const area = Math.sqrt((NETWORK.width * NETWORK.height) / (width * height))
      const scale = (pixels * area) / Math.hypot(NETWORK.width, NETWORK.height) / CANONICAL_FOCAL
      ours.push({ name, width, height, depth, scale })
    }
  }, 300_000)

  function expectAlike(where: string, theirs: readonly ArrayLike<number>[]) {
    const off = ours.map(({ depth, scale }, k) => {
      expect(theirs[k].length).toBe(depth.length)
      return depth.reduce((sum, metres, i) => sum + Math.abs((theirs[k][i] * scale) / metres - 1), 0) / depth.length
    })
    const mean = off.reduce((sum, one) => sum + one, 0) / off.length
    if (process.env.DAR_EXPORT_REPORT)
      console.log(
        where,
        { mean, worst: Math.max(...off) },
        ours.map(({ name }, k) => [name, off[k]]),
      )
    expect(off.length).toBeGreaterThan(5)
    expect(mean).toBeLessThan(LIMIT.mean)
    expect(Math.max(...off)).toBeLessThan(LIMIT.worst)
  }

  it('gives the same metres in Node', { timeout: 300_000 }, async () => {
    const pipe = await pipeline('depth-estimation', join(folder, 'nano'), { session_options: { intraOpNumThreads: 1 } })
    const theirs: ArrayLike<number>[] = []
    for (const { name } of ours) {
      const { width, height, data } = await decodeImage(join(root, name))
      theirs.push((await pipe(new RawImage(data, width, height, 3))).predicted_depth.data as Float32Array)
    }
    await pipe.dispose()
    expectAlike('Node', theirs)
  })

  it.skipIf(!browser)('gives the same metres in Chromium', { timeout: 600_000 }, async () => {
    const script = `
      const { env, pipeline, RawImage } = await import('/modules/@huggingface/transformers/dist/transformers.min.js')
      env.allowRemoteModels = false
      env.allowLocalModels = true
      env.localModelPath = '/models/'
      env.backends.onnx.wasm.wasmPaths = '/modules/onnxruntime-web/dist/'
      env.backends.onnx.wasm.numThreads = 1
      const pipe = await pipeline('depth-estimation', 'nano')
      const maps = []
      for (const name of ${JSON.stringify(ours.map(({ name }) => name))}) {
        const blob = await (await fetch('/photos/' + name)).blob()
        const { predicted_depth } = await pipe(await RawImage.fromBlob(blob))
        maps.push(Array.from(predicted_depth.data, (metres) => Math.round(metres * 1e5) / 1e5))
      }
      await answer(maps)`
    const folders = { modules: MODULES, models: folder, photos: root }
    expectAlike('Chromium', (await inPage(browser ?? '', script, { folders, milliseconds: 540_000 })) as number[][])
  })
})
