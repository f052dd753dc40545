import { mkdir, readdir, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { crashingEnvironment, fatal } from '../../test/crashing-decoder.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY, writeTinyModel } from '../../test/tiny-model.ts'
import { CANONICAL_FOCAL } from '../image/camera.ts'
import { colourise } from '../image/colormap.ts'
import type { RgbImage } from '../image/types.ts'
import { relativeError } from '../inspect/trace-model.ts'
import { parseConfig } from '../model/index.ts'
import { DepthModel, type ManyResult } from '../predict/depth-model.ts'
import type { ImageInput } from '../predict/types.ts'
import { live } from '../runtime/engine.ts'
import { DarError } from '../support/errors.ts'
import { decodeDepthPng } from './decode.ts'
import { type LoadModelOptions, loadModel } from './load-model.ts'
import { encodeOutputs } from './outputs.ts'
import { encodeDepthPng } from './png16.ts'

const WIDTH = 100
const HEIGHT = 75

function photo(width = WIDTH, height = HEIGHT): RgbImage {
  const value = (x: number, y: number, c: number) => 128 + 100 * Math.sin(x / (7 + c)) * Math.cos(y / (5 + c))
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = Math.floor(i / 3)
    return value(pixel % width, Math.floor(pixel / width), i % 3)
  })
  return { width, height, data }
}

/** Equality of large arrays, which vitest's own takes seconds for. */
const same = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((value, i) => value === b[i])

let folder = ''
let file = ''
let model: DepthModel
beforeAll(async () => {
  folder = await temporaryFolder()
  file = await writeTinyModel(join(folder, 'tiny.safetensors'))
  model = await load(file)
})
afterAll(async () => {
  await model.dispose()
})

const load = (path: string, options: LoadModelOptions = {}) => loadModel(path, { threads: 1, ...options })

describe('predict', () => {
  it('returns metres within the range of the model, at the size of the image', async () => {
    const map = await model.predict(photo())
    expect([map.width, map.height]).toEqual([WIDTH, HEIGHT])
    expect(map.depth.length).toBe(WIDTH * HEIGHT)
    expect(map.sigma?.length).toBe(WIDTH * HEIGHT)
    expect(map.depth.every((metres) => metres > 0.1 && metres < 10)).toBe(true)
    expect(map.sigma?.every((metres) => metres > 0 && metres < 5)).toBe(true)
    expect(map.networkSize).toEqual({ width: 128, height: 96 })
    expect(map.steps).toEqual([])
  })

  it('gives a relative model’s inverse depth as it is, whatever the lens', async () => {
    const config = parseConfig({ ...TINY, head: 'dpt', dptOutput: 'relative', upsample: 'bilinear' })
    const path = await writeTinyModel(join(folder, 'relative.safetensors'), { config })
    await using relative = await load(path)
    const [short, long] = [
      await relative.predict(photo(), { focal: 50 }),
      await relative.predict(photo(), { focal: 500 }),
    ]
    expect(same(short.depth, long.depth)).toBe(true)
    expect(short.depth.every((value) => value >= 0) && short.depth.some((value) => value > 0)).toBe(true)
    expect(short.sigma).toBeNull()
    const files = await encodeOutputs(short, { unit: 'relative' })
    expect([...files.keys()]).toEqual(['color.png', 'depth.npy'])
    const { data } = await sharp(files.get('color.png')).raw().toBuffer({ resolveWithObject: true })
    const pixel = (i: number) => [...data.subarray(3 * i, 3 * i + 3)]
    const largest = short.depth.indexOf(Math.max(...short.depth))
    const smallest = short.depth.indexOf(Math.min(...short.depth))
    // The ends of turbo: the largest is the nearest, and so the warm one.
    expect([pixel(largest), pixel(smallest)]).toEqual([
      [144, 12, 0],
      [35, 23, 27],
    ])
  })

  it('gives the same for pixels, for the bytes of a file and for its path', async () => {
    const image = photo()
    const png = await sharp(image.data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
      .png()
      .toBuffer()
    const path = join(folder, 'photo.png')
    await sharp(png).toFile(path)
    const { depth } = await model.predict(image)
    expect(same((await model.predict(png)).depth, depth)).toBe(true)
    expect(same((await model.predict(path)).depth, depth)).toBe(true)
  })

  it('depends on the image', async () => {
    const { depth } = await model.predict(photo())
    const inverted = { ...photo(), data: photo().data.map((value) => 255 - value) }
    expect(same((await model.predict(inverted)).depth, depth)).toBe(false)
  })

  it.each(['dpt', 'dorn', 'ord2seq'] as const)('with the head %s gives one map and no sigma', async (head) => {
    const config = parseConfig({ ...TINY, head })
    await using baseline = await load(await writeTinyModel(join(folder, `${head}.safetensors`), { config }))
    const { depth, sigma, steps, width, height } = await baseline.predict(photo(), { steps: true })
    expect(depth.length).toBe(WIDTH * HEIGHT)
    expect(depth.every((metres) => metres > 0.1 && metres < 10)).toBe(true)
    expect(sigma).toBeNull()
    expect(steps).toEqual([{ depth, data: depth, sigma: null, width, height }])
  })

  it('returns every step on demand, coarse to fine, the last being the result', async () => {
    const { depth, sigma, steps } = await model.predict(photo(), { steps: true })
    expect(steps.length).toBe(TINY.steps)
    for (const step of steps) {
      expect([step.width, step.height, step.depth.length]).toEqual([WIDTH, HEIGHT, WIDTH * HEIGHT])
      expect(step.sigma?.every((metres) => metres > 0)).toBe(true)
    }
    expect(steps[TINY.steps - 1].depth).toBe(depth)
    expect(steps[TINY.steps - 1].sigma).toBe(sigma)
    expect(same(steps[0].depth, depth)).toBe(false)
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length
    // Later windows are narrower, so the distribution over their bins is too.
    expect(mean(steps[TINY.steps - 1].sigma!)).toBeLessThan(mean(steps[0].sigma!))
  })

  it('scales depth, sigma and steps with the focal length', async () => {
    const image = photo(128, 96)
    const canonical = CANONICAL_FOCAL * Math.hypot(128, 96)
    const near = await model.predict(image, { steps: true })
    const far = await model.predict(image, { steps: true, focal: 3 * canonical })
    expect(near.focal.source).toBe('default')
    expect(far.focal).toEqual({
      relative: expect.closeTo(3 * CANONICAL_FOCAL, 6),
      source: 'given',
      millimetres35: expect.closeTo(78, 6),
    })
    const compare = (a: Float32Array, b: Float32Array) =>
      expect(a.every((value, i) => Math.abs(value / b[i] - 3) < 1e-4)).toBe(true)
    compare(far.depth, near.depth)
    compare(far.sigma!, near.sigma!)
    compare(far.steps[0].depth, near.steps[0].depth)
    compare(far.steps[0].sigma!, near.steps[0].sigma!)
  })

  it.each([
    ['portrait', 75, 100],
    ['one pixel', 1, 1],
    ['a line', 300, 1],
    ['larger than the network', 700, 500],
  ])('takes %s (%i×%i)', async (_, width, height) => {
    const map = await model.predict(photo(width, height))
    expect(map.depth.length).toBe(width * height)
    expect(map.depth.every((metres) => metres > 0 && metres < Number.POSITIVE_INFINITY)).toBe(true)
  })

  it('shows itself in one line', () => {
    expect(inspect(model)).toBe('DepthModel tiny (dar on mobilenetv2, 0.1 to 10 m)')
    expect(inspect({ model }).split('\n').length).toBe(1)
    expect(model).toBeInstanceOf(DepthModel)
  })

  it('gives a map that whatever draws depth takes as it is', async () => {
    const map = await model.predict(photo(), { steps: true })
    expect(map.data).toBe(map.depth)
    expect(map.steps[0].data).toBe(map.steps[0].depth)
    expect(colourise(map)).toEqual(colourise({ width: map.width, height: map.height, data: map.depth }))
    expect((await decodeDepthPng(await encodeDepthPng(map))).data[0]).toBeCloseTo(map.depth[0], 2)
  })

  it('never leaves its range, whatever the shape, and says when a shape cannot be judged', async () => {
    for (const [width, height] of [
      [4000, 3],
      [3, 4000],
      [300, 20],
    ]) {
      const { depth, steps, warnings } = await model.predict(photo(width, height), { steps: true })
      for (const map of [depth, ...steps.map((step) => step.depth)])
        expect(map.every((metres) => metres >= Math.fround(0.1) && metres <= 10)).toBe(true)
      expect(warnings).toEqual([
        expect.stringMatching(/^an image of \d+×\d+ pixels is squeezed \d+.* times .* a guess/),
      ])
    }
    expect((await model.predict(photo(8, 8))).warnings).toEqual([expect.stringMatching(/8×8 pixels is too small/)])
    expect((await model.predict(photo(160, 90))).warnings).toEqual([])
  })

  it('moves its range with the lens', async () => {
    const [width, height] = [4000, 3]
    const focal = 6 * Math.hypot(width, height) // ten times the canonical one
    const { depth } = await model.predict(photo(width, height), { focal })
    expect(Math.max(...depth)).toBeLessThanOrEqual(100.1)
    expect(Math.max(...depth)).toBeGreaterThan(10)
  })

  it('is asked only at the sizes that it states it was trained at, and says so', async () => {
    const metadata = { predictSizes: '128x96,96x128,192x144' }
    const path = await writeTinyModel(join(folder, 'sized.safetensors'), { metadata })
    await using sized = await loadModel(path, { threads: 1, size: { width: 640, height: 480 } })
    expect(sized.trainedSizes).toHaveLength(3)
    const far = await sized.predict(photo())
    expect(far.networkSize).toEqual({ width: 192, height: 144 })
    expect(far.warnings).toEqual([
      'sized was trained at 128x96, 96x128 and 192x144 and its metres are right only there: predicted at 192x144 instead of 640x480',
    ])
    const within = await sized.predict(photo(), { size: { width: 144, height: 108 } })
    expect(within.networkSize).toEqual({ width: 128, height: 96 })
    const exact = await sized.predict(photo(75, 100), { size: { width: 128, height: 96 } })
    expect([exact.networkSize, exact.warnings]).toEqual([{ width: 96, height: 128 }, []])
    expect((await model.predict(photo(), { size: { width: 640, height: 480 } })).warnings).toEqual([
      'tiny does not state the sizes that it was trained at: at 640x480 its metres may differ from those at 128x96',
    ])
  })

  it('obeys another pixel budget', async () => {
    const { networkSize } = await model.predict(photo(), { size: { width: 192, height: 144 } })
    expect(networkSize).toEqual({ width: 192, height: 144 })
    await expect(model.predict(photo(), { size: { width: 0, height: 5 } })).rejects.toThrow(
      /size 0x5 is not two whole numbers/,
    )
  })

  it('answers calls that overlap as if they came one by one', async () => {
    const sizes = [photo(), photo(75, 100), photo(160, 90), photo(80, 80)] // one more than are kept
    const together = await Promise.all(sizes.map((image) => model.predict(image)))
    for (const [i, image] of sizes.entries())
      expect(same((await model.predict(image)).depth, together[i].depth)).toBe(true)
  })

  it('gives the same maps when images go through the network together, whatever their shape and wishes', async () => {
    await using together = await load(file, { batch: 3 })
    const wishes = [
      [photo(), {}],
      [photo(110, 80), { steps: true }],
      [photo(75, 100), { focal: 60 }], // upright: a lane of its own
      [photo(90, 70), {}],
      [photo(120, 90), { focal: 80 }],
      [photo(104, 78), { steps: true }],
    ] as const
    const maps = await Promise.all(wishes.map(([image, options]) => together.predict(image, options)))
    for (const [i, [image, options]] of wishes.entries()) {
      const alone = await model.predict(image, options)
      const { depth, sigma, steps } = maps[i]
      expect(relativeError(depth, alone.depth)).toBeLessThan(1e-5)
      expect(relativeError(sigma!, alone.sigma!)).toBeLessThan(1e-4)
      expect(steps).toHaveLength(alone.steps.length)
      steps.forEach((step, k) => {
        expect(relativeError(step.depth, alone.steps[k].depth)).toBeLessThan(1e-5)
      })
    }
    const many: (Float32Array | undefined)[] = []
    for await (const { map } of together.predictMany(wishes.map(([image]) => image))) many.push(map?.depth)
    expect(relativeError(many[4]!, (await model.predict(wishes[4][0])).depth)).toBeLessThan(1e-5)
  })

  it('refuses pixels of a wrong length, bytes that are no image, and a bad focal length', async () => {
    const short = { ...photo(), data: new Uint8Array(5) }
    await expect(model.predict(short)).rejects.toThrow(
      'the image has 5 bytes where 100×75 pixels of 8-bit RGB take 22500 (grey 7500, RGBA 30000)',
    )
    await expect(model.predict(Uint8Array.of(1, 2, 3))).rejects.toThrow(DarError)
    await expect(model.predict(photo(), { focal: -1 })).rejects.toThrow(DarError)
  })

  it('has no sigma where the head of the model has none', async () => {
    const config = parseConfig({ ...TINY, head: 'transformer', upsample: 'bilinear' })
    await using other = await load(await writeTinyModel(join(folder, 'transformer.safetensors'), { config }))
    const { depth, sigma, steps } = await other.predict(photo(), { steps: true })
    expect(depth.length).toBe(WIDTH * HEIGHT)
    expect([sigma, ...steps.map((step) => step.sigma)]).toEqual([null, null, null])
  })

  it('reports weights that are not numbers instead of returning a picture of nothing', async () => {
    const path = await writeTinyModel(join(folder, 'nan.safetensors'), { spoiled: 'bins.head.1.bias' })
    await using broken = await load(path)
    await expect(broken.predict(photo())).rejects.toThrow(/predicts depths that are not numbers; .*nan\.safetensors/)
  })
})

describe('predictMany', () => {
  async function collect(results: AsyncIterable<ManyResult>): Promise<ManyResult[]> {
    const all: ManyResult[] = []
    for await (const result of results) all.push(result)
    return all
  }

  it('gives maps in order, an error in place of a bad image, and counts both', async () => {
    const done: number[] = []
    const images: ImageInput[] = [photo(), join(folder, 'absent.jpg'), photo(75, 100)]
    const results = await collect(model.predictMany(images, { onProgress: (count) => done.push(count) }))
    expect(results.map(({ index, image }) => images.indexOf(image) === index)).toEqual([true, true, true])
    expect(same(results[0].map!.depth, (await model.predict(photo())).depth)).toBe(true)
    expect(results[1].error?.message).toMatch(/absent\.jpg was not found/)
    expect(results[2].map?.width).toBe(75)
    expect(done).toEqual([1, 2, 3])
  })

  it('reads no more than one image ahead, and stops when the caller does', async () => {
    let asked = 0
    function* endless(): Generator<RgbImage> {
      for (;;) {
        asked++
        yield photo()
      }
    }
    let seen = 0
    for await (const { map } of model.predictMany(endless())) {
      expect(map?.width).toBe(WIDTH)
      expect(asked).toBeLessThanOrEqual(++seen + 1)
      if (seen === 3) break
    }
    expect(seen).toBe(3)
  })

  it('refuses a single path, which would be read letter by letter', async () => {
    await expect(collect(model.predictMany('photo.jpg'))).rejects.toThrow(/list of images/)
  })
})

describe('memory-mapped weights', () => {
  it('give the same map as embedded ones, and leave no file behind', async () => {
    const place = join(folder, 'mapped')
    await mkdir(place)
    const single = await writeTinyModel(join(place, 'tiny.safetensors'), { dtype: 'F32' })
    await using mapped = await load(single, { mapAbove: 0 })
    await using embedded = await load(single)
    const [a, b] = [await mapped.predict(photo()), await embedded.predict(photo())]
    expect(a.depth.every((metres, i) => Math.abs(metres - b.depth[i]) < 1e-3)).toBe(true)
    expect(await readdir(place)).toEqual(['tiny.safetensors'])
  })

  it('work from a folder where no file can be made, through a link elsewhere', async () => {
    // A name so long that nothing longer fits stands in for a read-only folder, which does not stop root.
    const place = join(folder, 'long')
    await mkdir(place)
    const single = await writeTinyModel(join(place, 'short.safetensors'), { dtype: 'F32' })
    const long = join(place, `${'m'.repeat(240)}.safetensors`)
    await rename(single, long)
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('dar-depth-'))
    await using mapped = await load(long, { mapAbove: 0 })
    expect((await mapped.predict(photo())).depth.length).toBe(WIDTH * HEIGHT)
    expect(await readdir(place)).toEqual([`${'m'.repeat(240)}.safetensors`])
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('dar-depth-'))).toEqual(before)
  })
})

describe('what is no image, or no option', () => {
  it.each<[unknown, string]>([
    [null, 'the image is null; give a path or file URL, the bytes'],
    [undefined, 'the image is undefined; give a path'],
    [42, 'the image is a number; give a path'],
    ['', 'the path of the image is empty; give the path of'],
    [[], 'the image is of the kind Array; give a path'],
    [{}, 'the image is of the kind object; give a path'],
    [new Blob(['x']), 'the image is not an image that can be read'],
    [new File([], 'a.jpg'), 'a.jpg is empty (0 bytes)'],
    [new URL('https://host/a.jpg'), 'the image is a https: URL, which is not fetched; give a path, or the bytes'],
    [new URL('file:///nowhere/a.jpg'), '/nowhere/a.jpg was not found'],
    [new ArrayBuffer(8), 'the image is not an image that can be read'],
    [new SharedArrayBuffer(8), 'the image is a SharedArrayBuffer; give a copy'],
    [new Response('x'), 'the image is a Response; give its bytes: await response.arrayBuffer()'],
    [sharp(Buffer.of(1, 2)), 'the image, a sharp object, cannot be read (Input buffer contains unsupported image'],
    [Promise.resolve('a.jpg'), 'the image is a Promise; await it first'],
    [`data:image/png;base64,${'A'.repeat(100_000)}`, 'the image is a data: URL, which is not fetched; give its bytes'],
    ['https://host/a.jpg', 'is a https: URL, which is not fetched; give a path, or the bytes'],
    ['file://host/a.jpg', 'the image file://host/a.jpg is no URL of a file on this machine'],
    ['file:///nowhere/a.jpg', '/nowhere/a.jpg was not found'],
    [{ width: 2, height: 1, data: new Uint8Array(10) }, 'pixels of 8-bit RGB take 6 (grey 2, RGBA 8)'],
    [{ width: 2, height: 1, data: new Uint8Array(8), channels: 3 }, 'pixels of 3 8-bit channels take 6'],
    [{ width: 2, height: 1, data: new Uint8Array(8), channels: 8 }, 'the image has 8 bytes where'],
    [{ width: 2, height: 1, data: new Uint8Array(8), colorSpace: 'display-p3' }, 'the image are display-p3; give sRGB'],
    [
      { width: 2, height: 1, data: new Float32Array(6) },
      'the data of the image are Float32Array; give a Uint8Array of 6',
    ],
    [{ width: 2, height: 1 }, 'the data of the image are undefined'],
    [{ width: 1.5, height: 2, data: new Uint8Array(9) }, 'the image is 1.5×2 pixels'],
  ])('predict says what it is: %s', async (image, message) => {
    const error: unknown = await model.predict(image as ImageInput).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DarError)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message.length).toBeLessThan(300)
  })

  it.each<[object | null, string]>([
    [
      { focalLength: 5 },
      "predict has no option 'focalLength'; it has focal, fov, intrinsics, flip, size, signal, steps, tiles",
    ],
    [null, 'the options of predict are null'],
    [{ focal: 1e308 }, 'the focal length is 1e+308 pixels'],
    [{ focal: 1e-5 }, 'as of a lens of'],
    [{ focal: '500' }, 'the focal length is 500; give a positive number'],
    [{ flip: 'no' }, "the option flip of predict is 'no'; give true or false"],
    [{ steps: 1 }, 'the option steps of predict is 1; give true or false'],
    [{ size: 5 }, 'the size 5 is not two whole numbers'],
    [{ size: { width: 5 } }, 'the size 5xundefined is not two whole numbers'],
    [{ signal: new AbortController() }, 'the signal is no AbortSignal; give the `signal` of an AbortController'],
  ])('predict refuses the options %j', async (options, message) => {
    await expect(model.predict(photo(), options as object)).rejects.toThrow(message)
    await expect(model.predict(photo(), options as object)).rejects.toThrow(DarError)
  })

  it('loadModel refuses options and names that it does not know', async () => {
    await expect(loadModel(file, { thread: 1 } as object)).rejects.toThrow(
      "loadModel has no option 'thread'; it has threads,",
    )
    await expect(loadModel(file, { offline: 'no' } as object)).rejects.toThrow(
      "the option offline of loadModel is 'no'",
    )
    await expect(loadModel(null as unknown as string)).rejects.toThrow('the model is no name')
    await expect(loadModel(file, { signal: 3 } as object)).rejects.toThrow('the signal is no AbortSignal')
  })
})

describe('a signal', () => {
  it('that is aborted ends a call with its reason, before it begins or while it waits', async () => {
    const reason = new Error('no longer wanted')
    await expect(model.predict(photo(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const stop = new AbortController()
    const calls = Array.from({ length: 8 }, () => model.predict(photo(), { signal: stop.signal }))
    stop.abort(reason)
    for (const outcome of await Promise.allSettled(calls)) expect(outcome).toMatchObject({ status: 'rejected', reason })
    const many = (async () => {
      for await (const _ of model.predictMany([photo()], { signal: stop.signal })) throw new Error('a result')
    })()
    await expect(many).rejects.toBe(reason)
    expect((await model.predict(photo(), { signal: new AbortController().signal })).width).toBe(WIDTH)
  })
})

describe('dispose', () => {
  it('ends the thread, and waits for what is under way', async () => {
    const before = { ...live }
    const fresh = await load(file)
    await Promise.all([fresh.predict(photo()), fresh.predict(photo(75, 100))])
    expect(live).toEqual({ ...before, engines: before.engines + 1 })
    const late = fresh.predict(photo())
    await fresh.dispose()
    expect((await late).depth.length).toBe(WIDTH * HEIGHT)
    expect(live).toEqual(before)
    await fresh.dispose()
    expect(live).toEqual(before)
    await expect(fresh.predict(photo())).rejects.toThrow(/tiny was disposed; load it again/)
  })

  it('happens at the end of an `await using` block', async () => {
    const before = { ...live }
    {
      await using fresh = await load(file)
      await fresh.predict(photo())
    }
    expect(live).toEqual(before)
  })
})

describe('loadModel', () => {
  it('checks its options before it opens anything', async () => {
    await expect(load(file, { batch: 0 })).rejects.toThrow(/batch is 0; give a whole number of at least 1/)
    await expect(loadModel('nowhere.safetensors', { threads: 0 })).rejects.toThrow(/threads is 0/)
    await expect(load(file, { decoder: 'elsewhere' as 'inside' })).rejects.toThrow(
      /decoder is 'elsewhere'; give inside or process/,
    )
    await expect(loadModel('nowhere.safetensors', { size: { width: 1.5, height: 2 } })).rejects.toThrow(/1\.5x2/)
  })

  it.skipIf(process.platform === 'win32')(
    'with a decoder in a process loses one call to a photo that crashes it',
    async () => {
      const { data, ...size } = photo()
      const png = await sharp(data, { raw: { ...size, channels: 3 } })
        .png()
        .toBuffer()
      vi.stubEnv('NODE_OPTIONS', crashingEnvironment().NODE_OPTIONS)
      await using careful = await load(file, { decoder: 'process' })
      const crash = careful.predict(fatal(png))
      await expect(crash).rejects.toMatchObject({ name: 'DarError', kind: 'input' })
      await expect(crash).rejects.toThrow(/^the image ended its decoder \(SIGSEGV\)/)
      vi.unstubAllEnvs()
      const { depth } = await model.predict(png)
      for (const input of [png, new Blob([new Uint8Array(png)])])
        expect(same((await careful.predict(input)).depth, depth)).toBe(true)
    },
  )

  it('leaves no engine behind when the file is bad', async () => {
    const before = live.engines
    await expect(loadModel(join(folder, 'absent.safetensors'))).rejects.toThrow(DarError)
    expect(live.engines).toBe(before)
  })
})
