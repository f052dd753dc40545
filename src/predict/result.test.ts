/** What `predict` returns beside its map, and what a caller can say about the lens and the mirror image. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY, writeTinyModel } from '../../test/tiny-model.ts'
import { underProtocol } from '../eval/input.ts'
import { modelPredictor } from '../eval/model-predictor.ts'
import { namedProtocol } from '../eval/presets.ts'
import { colourise } from '../image/colormap.ts'
import type { RgbImage } from '../image/types.ts'
import { relativeError } from '../inspect/trace-model.ts'
import { parseConfig } from '../model/index.ts'
import { loadModel } from '../node/load-model.ts'
import { modelHash } from '../node/model-path.ts'
import type { DepthModel } from './depth-model.ts'
import { factsOf } from './facts.ts'

const [WIDTH, HEIGHT] = [100, 75]
function photo(): RgbImage {
  const data = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => 128 + 100 * Math.sin(i / 50))
  return { width: WIDTH, height: HEIGHT, data }
}

let folder = ''
let file = ''
let model: DepthModel
beforeAll(async () => {
  folder = await temporaryFolder()
  file = await writeTinyModel(join(folder, 'tiny.safetensors'))
  model = await loadModel(file, { threads: 1 })
})
afterAll(() => model.dispose())

describe('a result', () => {
  it('says its unit, range, camera and model', async () => {
    const result = await model.predict(photo(), { focal: 90 })
    expect(result.unit).toBe('metre')
    expect(result.min).toBe(Math.min(...result.depth))
    expect(result.max).toBe(Math.max(...result.depth))
    expect(result.valid).toEqual(new Uint8Array(WIDTH * HEIGHT).fill(1))
    expect(result.intrinsics).toEqual({ fx: 90, fy: 90, cx: 49.5, cy: 37 })
    expect(result.model).toEqual({ name: 'tiny', hash: await modelHash(file) })
    expect(result.data).toBe(result.depth)
  })

  it('of a relative model has no metres and no points', async () => {
    const config = parseConfig({ ...TINY, head: 'dpt', dptOutput: 'relative', upsample: 'bilinear' })
    await using relative = await loadModel(await writeTinyModel(join(folder, 'relative.safetensors'), { config }))
    const result = await relative.predict(photo())
    expect(result.unit).toBe('relative')
    await expect(result.toPointCloud()).rejects.toThrow(/relative predicts relative depth, which has no metres/)
  })

  it('is data that another thread can be sent, and a depth image', async () => {
    const result = await model.predict(photo(), { steps: true })
    const copy = structuredClone(result)
    expect(Object.keys(copy).sort()).toEqual(Object.keys(result).sort())
    expect(copy.depth).toEqual(result.depth)
    expect(copy.data).toBe(copy.depth)
    expect(copy.valid).toEqual(result.valid)
    expect('toPointCloud' in copy).toBe(false)
    expect(colourise(result).data.length).toBe(3 * WIDTH * HEIGHT)
  })

  it('becomes points through its camera, with the colours of the photo', async () => {
    const image = photo()
    const result = await model.predict(image, { intrinsics: { fx: 80, fy: 100, cx: 40, cy: 30 } })
    const { count, positions, colours } = await result.toPointCloud()
    expect(count).toBe(WIDTH * HEIGHT)
    const [x, y] = [7, 50]
    const i = y * WIDTH + x
    const z = result.depth[i]
    expect(positions[3 * i]).toBeCloseTo(((x - 40) / 80) * z, 5)
    expect(positions[3 * i + 1]).toBeCloseTo(((y - 30) / 100) * z, 5)
    expect(positions[3 * i + 2]).toBe(z)
    expect(colours?.[3 * i]).toBe(image.data[3 * i])
    expect(await result.toPointCloud({ stride: 5, colours: false })).toMatchObject({ count: 300, colours: null })
  })

  it('counts as invalid what is cut at an end of the range, and what is no number', () => {
    const depth = Float32Array.of(0.1, 0.5, 9.99, 10, Number.NaN, 0)
    expect([...factsOf(depth, { least: 0.1, most: 10 }).valid]).toEqual([0, 1, 1, 0, 0, 0])
    expect([...factsOf(depth, null).valid]).toEqual([1, 1, 1, 1, 0, 1])
    expect(factsOf(depth, null)).toMatchObject({ min: 0, max: 10 })
    const inside = factsOf(depth.subarray(1, 3), { least: 0.1, most: 10 })
    expect(inside).toEqual({ valid: Uint8Array.of(1, 1), min: depth[1], max: depth[2] })
  })
})

describe('the lens', () => {
  it('may be a focal length, a field of view or intrinsics: the same metres for the same lens', async () => {
    const focal = 90
    const byFocal = await model.predict(photo(), { focal })
    const fov = (2 * Math.atan(WIDTH / 2 / focal) * 180) / Math.PI
    const byFov = await model.predict(photo(), { fov })
    expect(byFov.intrinsics.fx).toBeCloseTo(focal, 10)
    expect(relativeError(byFov.depth, byFocal.depth)).toBeLessThan(1e-6)
    const byCamera = await model.predict(photo(), { intrinsics: { fx: focal, fy: focal } })
    expect(byCamera.depth).toEqual(byFocal.depth)
    expect(byCamera.intrinsics).toEqual(byFocal.intrinsics)
    expect(byCamera.focal).toEqual(byFocal.focal)
  })

  it('with fx and fy of its own counts by their geometric mean', async () => {
    const uneven = await model.predict(photo(), { intrinsics: { fx: 60, fy: 135, cx: 1, cy: 2 } })
    const { depth } = await model.predict(photo(), { focal: 90 })
    expect(relativeError(uneven.depth, depth)).toBeLessThan(1e-6)
    expect(uneven.intrinsics).toEqual({ fx: 60, fy: 135, cx: 1, cy: 2 })
    expect(uneven.focal.source).toBe('given')
  })

  it.each<[object, string]>([
    [{ focal: 90, fov: 60 }, 'the lens is given as focal and as fov; give one of them'],
    [{ fov: 60, intrinsics: { fx: 90, fy: 90 } }, 'the lens is given as fov and as intrinsics'],
    [{ fov: 180 }, 'the field of view is 180; give the horizontal one in degrees, between 0 and 180'],
    [{ fov: '60' }, 'the field of view is 60; give'],
    [{ intrinsics: { fx: 90 } }, 'fy of the intrinsics is undefined; give a positive number'],
    [{ intrinsics: { fx: 90, fy: 90, cx: Number.NaN } }, 'cx of the intrinsics is NaN; give a number'],
    [{ intrinsics: { fx: 90, fy: 90, k1: 0.1 } }, "intrinsics has no option 'k1'; it has fx, fy, cx, cy"],
    [{ intrinsics: [90, 90] }, 'the options of intrinsics are a object'],
  ])('refuses %j', async (options, message) => {
    await expect(model.predict(photo(), options)).rejects.toThrow(message)
    await expect(model.stream(photo(), options).next()).rejects.toThrow(message)
  })
})

describe('flip', () => {
  it('is the mean with the mirrored photo, as evaluation takes it, in predict and in every step of stream', async () => {
    const image = photo()
    const flipped = await model.predict(image, { flip: true, steps: true, focal: 90 })
    const protocol = { ...namedProtocol('indoor'), flip: true }
    const camera = { fx: 90, fy: 90, cx: 49.5, cy: 37 }
    const asked = underProtocol(modelPredictor(model, { maps: 'image' }), protocol)
    const expected = await asked({ name: 'photo', image, depth: null, intrinsics: camera })
    expect(relativeError(flipped.depth, expected.data)).toBeLessThan(1e-5)
    expect(relativeError(flipped.sigma!, expected.sigma!.data)).toBeLessThan(1e-4)
    expect(relativeError(flipped.steps[0].depth, expected.steps![0].data)).toBeLessThan(1e-5)
    const straight = await model.predict(image, { focal: 90 })
    expect(relativeError(straight.depth, flipped.depth)).toBeGreaterThan(1e-5)
    let last: Float32Array | null = null
    for await (const { depth } of model.stream(image, { flip: true, focal: 90 })) last = depth
    expect(relativeError(last!, flipped.depth)).toBeLessThan(1e-5)
  })

  it('shares no batch with photos that are not flipped', async () => {
    await using batched = await loadModel(file, { threads: 1, batch: 2 })
    const wishes = [{}, { flip: true }, {}, { flip: true }, { flip: true }]
    const maps = await Promise.all(wishes.map((options) => batched.predict(photo(), options)))
    for (const [i, options] of wishes.entries())
      expect(relativeError(maps[i].depth, (await model.predict(photo(), options)).depth)).toBeLessThan(1e-5)
  })
})
