import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { decodeNpy, type RgbImage } from '../image/index.ts'
import { loadModel } from '../node/index.ts'
import { depthVideo, FRAMES_UNDER_WAY } from './depth-video.ts'
import type { FrameSource } from './source.ts'

const [WIDTH, HEIGHT] = [24, 16]

let folder = ''
let tiny = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  tiny = await writeTinyModel(join(folder, 'tiny.safetensors'), { metadata: { predictSize: '64x64' } })
})

/** Frames that are made as they are asked for. */
function sourceOf(frames: AsyncGenerator<RgbImage>): FrameSource {
  const rate = { frames: 25, seconds: 1 }
  return { name: 'made', rate, total: null, isLive: false, notes: [], frames: () => frames, close: async () => {} }
}

const picture = (k: number, width = WIDTH): RgbImage => ({
  width,
  height: HEIGHT,
  data: Uint8Array.from({ length: 3 * width * HEIGHT }, (_, i) => (i * 7 + k) % 251),
})

describe('the depth of a video', () => {
  it('holds a few frames only, however many there are', async () => {
    const counts = { given: 0, done: 0, most: 0 }
    async function* frames() {
      for (let k = 0; k < 500; k++) {
        counts.given++
        counts.most = Math.max(counts.most, counts.given - counts.done)
        yield picture(k)
      }
    }
    await using model = await loadModel(tiny, { threads: 1, idle: 'sleep' })
    const onFrame = (done: number) => {
      counts.done = done
    }
    const npy = join(folder, 'long.npy')
    const report = await depthVideo(sourceOf(frames()), model, { outputs: { npy }, onFrame })
    expect(report).toMatchObject({ model: 'tiny', frames: 500, width: WIDTH, height: HEIGHT, isInterrupted: false })
    expect(counts).toEqual({ given: 500, done: 500, most: FRAMES_UNDER_WAY })
    expect(decodeNpy(readFileSync(npy)).shape).toEqual([500, HEIGHT, WIDTH])
  })

  it('ends at the frames under way when it is interrupted, with what was made', async () => {
    const stop = new AbortController()
    async function* frames() {
      for (let k = 0; !stop.signal.aborted; k++) yield picture(k)
    }
    await using model = await loadModel(tiny, { threads: 1, idle: 'sleep' })
    const npy = join(folder, 'short.npy')
    const options = { outputs: { npy }, signal: stop.signal, onFrame: (done: number) => done === 3 && stop.abort() }
    const { frames: count, isInterrupted } = await depthVideo(sourceOf(frames()), model, options)
    expect(isInterrupted).toBe(true)
    expect(count).toBeGreaterThanOrEqual(3)
    expect(count).toBeLessThanOrEqual(3 + FRAMES_UNDER_WAY)
    expect(decodeNpy(readFileSync(npy)).shape[0]).toBe(count)
  })

  it('leaves nothing when a frame fails, and says what failed', async () => {
    async function* frames() {
      yield picture(0)
      yield picture(1)
      throw new Error('the camera fell')
    }
    await using model = await loadModel(tiny, { threads: 1, idle: 'sleep' })
    const out = await temporaryFolder()
    const outputs = { npy: join(out, 'a.npy'), png: join(out, 'png') }
    await expect(depthVideo(sourceOf(frames()), model, { outputs })).rejects.toThrow('the camera fell')
    expect(readdirSync(out)).toEqual([])
    const none = depthVideo(sourceOf((async function* () {})()), model, { outputs })
    await expect(none).rejects.toThrow(/made gave no frame; nothing was written/)
    expect(readdirSync(out)).toEqual([])
  })
})
