import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { tinyMobile } from '../../test/tiny-config.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { CANONICAL_FOCAL } from '../image/camera.ts'
import { resizeRgb } from '../image/resize.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { parseConfig } from '../model/index.ts'
import { loadModel } from '../node/load-model.ts'
import { live } from '../runtime/engine.ts'
import type { DepthModel } from './depth-model.ts'
import { predictTiled, type TiledModel } from './predict-tiled.ts'
import type { NetworkMaps, PredictOptions } from './types.ts'

const [WIDTH, HEIGHT] = [400, 300]

/** A dark post in front of a bright wall that recedes to the right. The blue byte tells the place, red and green the thing. */
const isPost = (x: number) => x >= 163 && x < 182
const depthAt = (x: number) => (isPost(x) ? 1 : 2 + x / 200)
function photo(): RgbImage {
  const data = new Uint8Array(3 * WIDTH * HEIGHT)
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const x = i % WIDTH
    data.set([isPost(x) ? 30 : 200, isPost(x) ? 30 : 200, Math.round(x / 2)], 3 * i)
  }
  return { width: WIDTH, height: HEIGHT, data }
}

/**
 * A network of 80×60 pixels that is right up to a factor, which depends on the part of the photo that it sees. It has no other
 * knowledge than the pixels: the place is in the blue ones.
 */
function seeing(calls: { image: RgbImage; options: PredictOptions }[] = []): TiledModel {
  const networkSize = { width: 80, height: 60 }
  return {
    name: 'seeing',
    config: tinyMobile(),
    predictMaps: async (image: RgbImage, options: PredictOptions = {}): Promise<NetworkMaps> => {
      calls.push({ image, options })
      const rgb = resizeRgb(image, 80, 60)
      const wrong = 1 + 0.3 * Math.sin(calls.length - 1)
      const data = Float32Array.from({ length: 80 * 60 }, (_, i) => {
        const post = (200 / 255 - rgb[3 * i]) / (170 / 255) // the share of the pixel that is post
        return wrong * (post * 1 + (1 - post) * (2 + (2 * 255 * rgb[3 * i + 2]) / 200))
      })
      const depth: DepthImage = { ...networkSize, data }
      const sigma: DepthImage = { width: 8, height: 6, data: new Float32Array(48).fill(0.2) }
      const relative =
        options.focal === undefined ? CANONICAL_FOCAL : options.focal / Math.hypot(image.width, image.height)
      const focal = { relative, source: 'default', millimetres35: 26 } as const
      const f = relative * Math.hypot(image.width, image.height)
      const intrinsics = { fx: f, fy: f, cx: (image.width - 1) / 2, cy: (image.height - 1) / 2 }
      const milliseconds = { decode: 0, compile: 0, prepare: 0, run: 1, finish: 0 }
      return {
        depth,
        sigma,
        steps: [],
        width: image.width,
        height: image.height,
        focal,
        intrinsics,
        networkSize,
        milliseconds,
        warnings: [],
      }
    },
  }
}

/** Of the rows in the middle, the largest ratio of neighbours beside an edge of the post, and how far depths are off. */
function figures({ depth }: { depth: Float32Array }) {
  const row = depth.subarray(150 * WIDTH, 151 * WIDTH)
  const error = row.reduce((sum, d, x) => sum + Math.abs(d / depthAt(x) - 1) / WIDTH, 0)
  const post = Math.max(row[162] / row[163], row[182] / row[181])
  return { error, post }
}

describe('predictTiled', () => {
  it('brings detail that the whole picture does not have, at its scale', async () => {
    const whole = figures(await predictTiled(seeing(), photo(), { tiles: { across: 1, edges: 'network' } }))
    const tiled = figures(await predictTiled(seeing(), photo(), { tiles: { across: 4, edges: 'network' } }))
    expect(tiled.error).toBeLessThan(whole.error / 2)
    expect(tiled.post).toBeGreaterThan(1.2 * whole.post)
  })

  it('puts edges where the photo has them', async () => {
    const { depth } = await predictTiled(seeing(), photo(), { tiles: true })
    const { error, post } = figures({ depth })
    expect(post).toBeGreaterThan(2)
    expect(error).toBeLessThan(0.02)
  })

  it('shows the network every tile through the same focal length in pixels', async () => {
    const calls: { image: RgbImage; options: PredictOptions }[] = []
    const { focal, tiles } = await predictTiled(seeing(calls), photo(), { tiles: { across: 4 } })
    const [whole, ...others] = calls
    expect(whole.options.focal).toBeUndefined()
    expect(others.length).toBe(tiles)
    expect(tiles).toBe(49)
    for (const { image, options } of others) {
      // A quarter of 400×300, and some more for the grids of tokens.
      expect([image.width, image.height]).toEqual([109, 83])
      expect(options.focal).toBeCloseTo(CANONICAL_FOCAL * Math.hypot(WIDTH, HEIGHT), 6)
    }
    expect(focal.relative).toBe(CANONICAL_FOCAL)
  })

  it('keeps sigma’s share of the depth, adds the times, and reports progress', async () => {
    const seen: string[] = []
    const onTile = (done: number, of: number) => seen.push(`${done}/${of}`)
    const map = await predictTiled(seeing(), photo(), { tiles: { across: 2, edges: 'network', onTile } })
    expect(seen).toEqual(Array.from({ length: 9 }, (_, i) => `${i + 1}/9`))
    expect(map.milliseconds.run).toBe(10)
    const at = 150 * WIDTH + 30
    expect(map.sigma![at] / map.depth[at]).toBeCloseTo(0.2 / 2.15, 1)
    expect(map.data).toBe(map.depth)
  })

  it('passes a failure of a tile on, and asks for no more', async () => {
    const calls: { image: RgbImage; options: PredictOptions }[] = []
    const model = seeing(calls)
    const failing: TiledModel = {
      ...model,
      predictMaps: (image, options) =>
        calls.length === 5 ? Promise.reject(new Error('no more')) : model.predictMaps(image as RgbImage, options),
    }
    await expect(predictTiled(failing, photo(), { tiles: true })).rejects.toThrow('no more')
    expect(calls.length).toBe(5)
  })

  it.each([
    [{ across: 0.5 }, /across of tiles is 0.5; give a number from 1 to 8/],
    [{ across: Number.NaN }, /across of tiles is NaN/],
    [{ overlap: 0.9 }, /overlap of tiles is 0.9; give a share from 0.1 to 0.8/],
    [{ edges: 'sharp' as 'photo' }, /edges of tiles is 'sharp'; give photo or network/],
    [{ size: 3 } as object, /tiles has no option 'size'/],
  ])('refuses %j', async (tiles, message) => {
    await expect(predictTiled(seeing(), photo(), { tiles })).rejects.toThrow(message)
  })

  it('refuses steps, and models without metres', async () => {
    await expect(predictTiled(seeing(), photo(), { tiles: true, steps: true })).rejects.toThrow(/maps of the steps/)
    const relative = parseConfig({
      encoderWidth: 16,
      encoderHeads: 2,
      encoderDepth: 4,
      head: 'dpt',
      dptOutput: 'relative',
    })
    await expect(predictTiled({ ...seeing(), config: relative }, photo(), { tiles: true })).rejects.toThrow(
      /relative depth/,
    )
  })
})

describe('predictTiled with a loaded model', () => {
  let model: DepthModel
  beforeAll(async () => {
    const file = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
    model = await loadModel(file, { threads: 1 })
  })
  afterAll(async () => {
    await model.dispose()
    expect(live.engines).toBe(0)
  })

  it('gives a photo that is no larger than the network’s input the map of predict', async () => {
    const small = { width: 140, height: 100, data: photo().data.slice(0, 3 * 140 * 100) }
    const tiled = await predictTiled(model, small, { tiles: { edges: 'network' } })
    const { depth } = await model.predict(small)
    expect(tiled.tiles).toBe(0)
    // The one resizes ln d, the other d.
    expect(Math.max(...depth.map((d, i) => Math.abs(tiled.depth[i] / d - 1)))).toBeLessThan(0.02)
  })

  it('keeps to the range of the model, which a lens moves', async () => {
    const focal = 2 * CANONICAL_FOCAL * Math.hypot(WIDTH, HEIGHT)
    const { depth, focal: used } = await predictTiled(model, photo(), { tiles: { across: 2 }, focal })
    expect(used.source).toBe('given')
    expect(depth.every((d) => d >= 0.2 && d <= 20)).toBe(true)
    const { depth: once } = await predictTiled(model, photo(), { tiles: { across: 2 } })
    for (let i = 0; i < depth.length; i += 997) expect(depth[i] / once[i]).toBeCloseTo(2, 3)
  })

  it('is predict with tiles, one photo or many', async () => {
    const tiled = await predictTiled(model, photo(), { tiles: { across: 2 } })
    const { depth, valid, min, max, unit, sigma } = await model.predict(photo(), { tiles: { across: 2 } })
    expect(Buffer.compare(Buffer.from(depth.buffer), Buffer.from(tiled.depth.buffer))).toBe(0)
    expect([valid.length, sigma?.length, unit]).toEqual([WIDTH * HEIGHT, WIDTH * HEIGHT, 'metre'])
    expect(min).toBe(depth.reduce((a, b) => Math.min(a, b)))
    expect(max).toBe(depth.reduce((a, b) => Math.max(a, b)))
    for await (const { map } of model.predictMany([photo()], { tiles: { across: 2 } }))
      expect(map?.depth).toEqual(depth)
    await expect(model.predict(photo(), { tiles: true, steps: true })).rejects.toThrow(/maps of the steps/)
    await expect(model.predict(photo(), { tiles: { across: 99 } })).rejects.toThrow(/across of tiles is 99/)
  })

  it('is waited for by dispose', async () => {
    const file = await writeTinyModel(join(await temporaryFolder(), 'other.safetensors'))
    const other = await loadModel(file, { threads: 1 })
    let [done, all] = [0, 0]
    const onTile = (count: number, of: number) => {
      ;[done, all] = [count, of]
    }
    const map = other.predict(photo(), { tiles: { across: 2, onTile } })
    await other.dispose()
    expect((await map).depth.length).toBe(WIDTH * HEIGHT)
    expect([done, all]).toEqual([9, 9])
  })

  it('stops when it is aborted, and the model goes on', async () => {
    const stop = new AbortController()
    const tiles = { onTile: (done: number) => done === 2 && stop.abort(new Error('enough')) }
    await expect(predictTiled(model, photo(), { tiles, signal: stop.signal })).rejects.toThrow('enough')
    expect((await model.predict(photo())).depth.length).toBe(WIDTH * HEIGHT)
  })
})
