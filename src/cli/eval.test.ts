import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as h5wasm from 'h5wasm/node'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { encodeNpy } from '../image/index.ts'
import { encodeDepthPng } from '../node/index.ts'
import { registerEval } from './eval.ts'
import { createProgram } from './program.ts'
import { run } from './run.ts'
import { capturePrinted } from './testing.ts'

const [WIDTH, HEIGHT] = [64, 48]
const NAMES = ['a', 'b', 'c']
/** A ramp from 1 m to 4 m with a hole, in whole millimetres as the PNG stores it; another one for each frame. */
const truthOf = (frame: number) =>
  Float32Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
    i % 7 === 0 ? 0 : Math.round(1000 * (1 + frame / 10 + (3 * (i % WIDTH)) / WIDTH)) / 1000,
  )

let folder = ''
let data = ''
let model = ''
/** A folder that holds `made`, and the same again under the name of a set that the recipe dar-nano holds frames out of. */
let sets = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  sets = join(folder, 'sets')
  data = join(sets, 'made')
  model = await writeTinyModel(join(folder, 'tiny.safetensors'))
  await mkdir(join(data, 'rgb'), { recursive: true })
  await mkdir(join(data, 'depth'))
  for (const [i, name] of NAMES.entries()) {
    const pixels = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, at) => (at * (i + 5)) % 251)
    const photo = sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    await writeFile(join(data, 'rgb', `${name}.png`), await photo.png().toBuffer())
    const depth = { width: WIDTH, height: HEIGHT, data: truthOf(i) }
    await writeFile(join(data, 'depth', `${name}.png`), await encodeDepthPng(depth))
  }
  const kitchen = join(sets, 'kitchen')
  for (const part of ['rgb', 'depth'])
    for (let i = 0; i < 30; i++)
      await cp(join(data, part, 'a.png'), join(kitchen, part, `${String(i).padStart(2, '0')}.png`))
})

const printed = capturePrinted()

/** `dar eval` with these arguments, as `main.ts` runs it; returns the exit code. */
const evalWith = (...args: string[]) =>
  run(() => createProgram([registerEval], '0.0.0').parseAsync(['eval', ...args], { from: 'user' }))

/** Maps of all frames, `factor` times the truth (2 m in holes). */
async function predictions(name: string, factor: number, change: (map: Float32Array) => void = () => {}) {
  const out = join(folder, name)
  await mkdir(out, { recursive: true })
  for (const [i, frame] of NAMES.entries()) {
    const map = truthOf(i).map((g) => (g > 0 ? g : 2) * factor)
    change(map)
    await writeFile(join(out, `${frame}.npy`), encodeNpy(map, [HEIGHT, WIDTH]))
  }
  return out
}

const record = async (path: string) => JSON.parse(await readFile(path, 'utf8'))

describe('dar eval', () => {
  it('of a model: figures, steps, sigma, the protocol and the hash; JSON, CSV and a page', async () => {
    const out = (name: string) => join(folder, 'model', name)
    const files = ['--json', out('a.json'), '--csv', out('a.csv'), '--report', out('a.html')]
    expect(await evalWith('--data', data, '--model', model, '--threads', '1', ...files)).toBe(0)
    expect(printed.out).toContain('made: 3 images')
    expect(printed.out).toContain('protocol: indoor: whole image, 0.1 < truth < 10 m, no alignment, mean over images')
    expect(printed.out).toMatch(/model: tiny, sha256 [0-9a-f]{16}/)
    expect(printed.out).toMatch(/d1 +d2 +d3 +abs_rel +sq_rel +rmse +rmse_log +log10 +silog/)
    expect(printed.out).toMatch(/\nD1 .*\nD2 .*\noutput /)
    expect(printed.out).toContain('sigma: AUSE')
    const json = await record(out('a.json'))
    expect(json).toMatchObject({ images: 3, protocol: { region: 'full', cap: 10 }, model: { name: 'tiny' } })
    expect(json.metrics.abs_rel).toBeGreaterThan(0)
    expect(json.steps).toHaveLength(2)
    expect(json.frames.map(({ name }: { name: string }) => name)).toEqual(['made/a', 'made/b', 'made/c'])
    const rows = (await readFile(out('a.csv'), 'utf8')).trim().split('\n')
    expect(rows[0]).toMatch(/,step1_d1,step1_d2,.*,step2_d1,/)
    expect(rows).toHaveLength(4)
    expect(new Set(rows.map((row) => row.split(',').length)).size).toBe(1)
    const page = await readFile(out('a.html'), 'utf8')
    for (const text of ['tiny on made', 'Worst frames', 'Best frames', 'Error against distance', 'Steps', 'AUSE'])
      expect(page).toContain(text)
    expect(page).not.toMatch(/(src|href)="(?!data:)/)
    expect(page).not.toContain('NaN')
  })

  it('of predictions with a known error', async () => {
    const maps = await predictions('tenth', 1.1)
    const json = join(folder, 'tenth.json')
    expect(await evalWith('--data', data, '--predictions', maps, '--json', json)).toBe(0)
    const { metrics, model: none, predictions: given } = await record(json)
    expect(metrics.abs_rel).toBeCloseTo(0.1, 6)
    expect(metrics.log10).toBeCloseTo(Math.log10(1.1), 6)
    expect([metrics.d1, none, given.path]).toEqual([1, null, maps])
    expect(
      await evalWith('--data', data, '--predictions', maps, '--align', 'median', '--cap', '3', '--json', json),
    ).toBe(0)
    expect(printed.out).toContain('protocol: indoor (changed): whole image, 0.1 < truth < 3 m, median-scaled per image')
    expect((await record(json)).metrics.abs_rel).toBeLessThan(1e-6)
  })

  it('counts and reports predictions that are no depth, and scores them', async () => {
    const maps = await predictions('broken', 1, (map) => map.set([9, Number.NaN, Number.POSITIVE_INFINITY, -1, 0], 0))
    const json = join(folder, 'broken.json')
    expect(await evalWith('--data', data, '--predictions', maps, '--json', json)).toBe(0)
    // Pixel 0 is a hole of the truth.
    expect(printed.out).toContain('in 3 images: 3 NaN, 3 infinite, 6 zero or negative pixels; they count, clamped')
    const { bad, metrics } = await record(json)
    expect(bad).toEqual({ nan: 3, infinite: 3, negative: 6, images: 3 })
    expect(metrics.d1).toBeLessThan(1)
  })

  it('scores a part of a set, and says so in the line of the figures and in the record', async () => {
    const maps = await predictions('part', 1.1)
    await rm(join(maps, 'b.npy'))
    const json = join(folder, 'part.json')
    expect(await evalWith('--data', data, '--predictions', maps, '--json', json)).toBe(0)
    expect(printed.out).toContain('made (the 2 of 3 frames that have a prediction): 2 images')
    expect((await record(json)).data.split).toBe('the 2 of 3 frames that have a prediction')
  })

  it('judges a model on what its recipe held out, and marks figures of frames that it was trained on', async () => {
    const path = join(folder, 'trained.safetensors')
    await writeTinyModel(path, { metadata: { predictSize: '64x64', recipe: 'dar-nano' } })
    const json = join(folder, 'trained.json')
    const line = ['--data', join(sets, 'kitchen'), '--model', path, '--threads', '1', '--no-steps', '--json', json]
    expect(await evalWith(...line)).toBe(0)
    expect(printed.out).toContain('kitchen (test side of dar-nano, --split all for all frames): 6 images')
    expect(printed.out).toMatch(/\noutput {2}/)
    expect((await record(json)).data.trainedOn).toBe(0)
    printed.out = ''
    expect(await evalWith(...line, '--split', 'all')).toBe(0)
    expect(printed.out).toContain('kitchen: 30 images')
    expect(printed.out).toMatch(/\d+ of these frames are ones that the model was trained on/)
    expect(printed.out).toMatch(/\noutput \(seen in training\) +\d/)
    expect((await record(json)).data.trainedOn).toBeGreaterThan(5)
  })

  it('does not take a folder called rooms for the procedural ones, nor the other way round', async () => {
    const before = process.cwd()
    await cp(data, join(folder, 'rooms'), { recursive: true })
    process.chdir(folder)
    try {
      expect(await evalWith('--data', 'rooms')).toBe(1)
      expect(printed.err).toMatch(/there is a folder called rooms here: give \.\/rooms for it, or rooms: for/)
      const maps = await predictions('of-rooms', 1.1)
      expect(await evalWith('--data', './rooms', '--predictions', maps)).toBe(0)
      expect(printed.out).toContain('rooms: 3 images')
    } finally {
      process.chdir(before)
    }
  })

  it('compares two records', async () => {
    const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')]
    await evalWith('--data', data, '--predictions', await predictions('far', 1.3), '--json', a)
    await evalWith('--data', data, '--predictions', await predictions('near', 1.05), '--json', b)
    printed.out = ''
    expect(await evalWith('--compare', a, b)).toBe(0)
    expect(printed.out).toContain('3 images in both; protocol: indoor: whole image')
    expect(printed.out).toMatch(/abs_rel +0\.3000 +0\.0500 +-0\.2500 +-0\.2500 to -0\.2500 +B better/)
    printed.out = ''
    expect(await evalWith('--compare', a, b, '--json')).toBe(0)
    expect(JSON.parse(printed.out)).toMatchObject({ images: 3, onlyA: 0, onlyB: 0 })
    await evalWith('--data', data, '--predictions', join(folder, 'near'), '--cap', '5', '--json', b)
    expect(await evalWith('--compare', a, b)).toBe(1)
    expect(printed.err).toContain('different protocols')
  })

  it.each<[string, () => string[] | Promise<string[]>, RegExp]>([
    ['no data', () => [], /--data is missing/],
    [
      'predictions of other frames',
      async () => {
        const maps = await predictions('few', 1)
        for (const name of NAMES) await rename(join(maps, `${name}.npy`), join(maps, `other-${name}.npy`))
        return ['--data', data, '--predictions', maps]
      },
      /none of the 3 frames has a prediction in .*few; name the files a\.npy/,
    ],
    [
      'a folder of data sets',
      () => ['--data', sets],
      /holds 2 data sets \(kitchen, made\); give one of them, for example .*kitchen/,
    ],
    ['an unknown protocol', () => ['--data', data, '--protocol', 'nyu'], /no protocol 'nyu'/],
    [
      'a region that does not fit',
      async () => ['--data', data, '--predictions', await predictions('whole', 1), '--protocol', 'nyu-eigen'],
      /Eigen crop is defined for 640x480, not 64x48/,
    ],
    ['a split of data that have none', () => ['--data', data, '--split', 'test'], /no hold-out of a folder named made/],
    [
      'a cap below every depth',
      async () => ['--data', data, '--predictions', await predictions('whole', 1), '--cap', '0.5'],
      /no frame of made \(3\) has a valid depth pixel/,
    ],
    ['a cap of nothing', () => ['--data', data, '--cap', '0'], /--cap 0: give a number above 0/],
    ['one record to compare', () => ['--compare', 'a.json'], /--compare got 1 files/],
  ])('refuses %s in one line', async (_, args, message) => {
    expect(await evalWith(...(await args()))).toBe(1)
    expect(printed.err).toMatch(message)
    expect(printed.err).not.toContain('bug')
  })

  it('does not claim windows or flips of predictions that were given', async () => {
    const maps = await predictions('flipped', 1)
    const protocol = join(folder, 'flip.json')
    const [json, report] = [join(folder, 'flip-a.json'), join(folder, 'flip-a.html')]
    await writeFile(protocol, JSON.stringify({ region: 'full', minimum: 0.1, cap: 10, alignment: 'none', flip: true }))
    const line = ['--data', data, '--protocol', protocol]
    expect(await evalWith(...line, '--predictions', maps, '--json', json, '--report', report)).toBe(0)
    const text = 'predictions as given (the protocol asks for: flip-averaged)'
    expect(printed.out).toContain(text)
    expect((await record(json)).protocolText).toContain(text)
    expect(await readFile(report, 'utf8')).toContain(text)
    printed.out = ''
    expect(await evalWith(...line, '--model', model, '--threads', '1')).toBe(0)
    expect(printed.out).toContain('no alignment, flip-averaged, mean over images')
  })

  it('predictions of another size are refused where the protocol says so', async () => {
    const maps = await predictions('small', 1)
    await writeFile(join(maps, 'b.npy'), encodeNpy(new Float32Array(32 * 24).fill(2), [24, 32]))
    const protocol = join(folder, 'exact.json')
    const base = { region: 'full', minimum: 0.1, cap: 10, alignment: 'none' }
    await writeFile(protocol, JSON.stringify({ ...base, resize: 'none' }))
    expect(await evalWith('--data', data, '--predictions', maps, '--protocol', protocol)).toBe(1)
    expect(printed.err).toContain('the prediction of made/b is 32x24 where the ground truth has 64x48')
    expect(await evalWith('--data', data, '--predictions', maps)).toBe(0)
    // A model is asked for the size that the protocol wants.
    expect(await evalWith('--data', data, '--model', model, '--threads', '1', '--protocol', protocol)).toBe(0)
  })
})

/** Real HDF5 in NYU's layout: columns first, `rawDepths` in metres. */
describe('NYU Depth v2, end to end', () => {
  it('scores predictions of a known error under nyu-eigen, on the test side', async () => {
    const [width, height, count] = [640, 480, 3]
    const nyu = join(folder, 'nyu')
    await mkdir(nyu)
    const depths = new Float32Array(count * width * height)
    const metres = (frame: number, x: number, y: number) =>
      (x + y) % 11 === 0 ? 0 : 1 + frame + ((x * 3 + y * 2) % 97) / 50
    for (let f = 0; f < count; f++)
      for (let x = 0; x < width; x++)
        for (let y = 0; y < height; y++) depths[(f * width + x) * height + y] = metres(f, x, y)
    await h5wasm.ready
    const path = join(nyu, 'nyu_depth_v2_labeled.mat')
    const file = new h5wasm.File(path, 'w')
    file.create_dataset({ name: 'rawDepths', data: depths, shape: [count, width, height], dtype: '<f4' })
    const images = new Uint8Array(count * 3 * width * height).fill(90)
    file.create_dataset({ name: 'images', data: images, shape: [count, 3, width, height], dtype: '<B' })
    file.close()
    const list = join(folder, 'nyu-test.txt')
    await writeFile(list, '0\n2\n')
    // 10 % too far in frame 0, 40 % in frame 2, inside the Eigen crop; nonsense outside, which must not count.
    const maps = join(folder, 'nyu-maps')
    await mkdir(maps)
    for (const [frame, factor] of [
      [0, 1.1],
      [2, 1.4],
    ]) {
      const map = new Float32Array(width * height)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const inside = y >= 45 && y < 471 && x >= 41 && x < 601
          map[y * width + x] = inside ? factor * (metres(frame, x, y) || 3) : 0.01
        }
      await writeFile(join(maps, `0000${frame}.npy`), encodeNpy(map, [height, width]))
    }
    const json = join(folder, 'nyu.json')
    const line = ['--data', path, '--list', list, '--split', 'test', '--protocol', 'nyu-eigen', '--predictions', maps]
    const code = await evalWith(...line, '--json', json)
    expect(printed.err).not.toContain('dar:')
    expect(code).toBe(0)
    const { metrics, frames, data: given } = await record(json)
    expect(frames.map(({ name }: { name: string }) => name)).toEqual(['nyu/00000', 'nyu/00002'])
    expect(given.split).toBe('test side, list nyu-test.txt')
    const holes = (frame: number) => {
      let valid = 0
      for (let y = 45; y < 471; y++) for (let x = 41; x < 601; x++) if (metres(frame, x, y) > 0) valid++
      return valid
    }
    expect(frames[0].pixels).toBe(holes(0))
    expect(metrics.abs_rel).toBeCloseTo((0.1 + 0.4) / 2, 6)
    expect(metrics.log10).toBeCloseTo((Math.log10(1.1) + Math.log10(1.4)) / 2, 6)
    expect(metrics.silog).toBeCloseTo(0, 3)
    expect([metrics.d1, metrics.d2]).toEqual([0.5, 1])
  })
})
