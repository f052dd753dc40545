import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { exifBlock, withExifBlock } from '../../test/exif.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { decodeDepthPng } from '../node/index.ts'
import { pngOfSize } from '../node/testing.ts'
import { live } from '../runtime/engine.ts'
import { registerPredict } from './predict.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'
import { capturePrinted } from './testing.ts'

const [WIDTH, HEIGHT] = [40, 30]
const RESULTS = ['color.png', 'depth.npy', 'depth.png']

const photo = (): Sharp => {
  const data = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => (i * 7) % 251)
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
}

let folder = ''
let model = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  model = await writeTinyModel(join(folder, 'tiny.safetensors'))
})

let out = ''
let count = 0
const printed = capturePrinted()
beforeEach(() => {
  out = join(folder, `out${count++}`)
})

async function put(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

/** `dar predict` with these arguments, as `main.ts` runs it; returns the exit code. */
async function predict(...args: string[]): Promise<number> {
  const before = process.exitCode
  process.exitCode = undefined
  try {
    const program = createProgram([registerPredict], '0.0.0')
    const line = ['predict', ...args, '--model', model, '--threads', '1']
    const code = await run(() =>
      program.parseAsync(args.includes('--out') ? line : [...line, '--out', out], { from: 'user' }),
    )
    return code || Number(process.exitCode ?? 0)
  } finally {
    process.exitCode = before
  }
}

const results = async () => (await readdir(out).catch(() => [])).sort()
/** What `--json` printed. */
const lines = () =>
  printed.out
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text))
const line = () => lines().at(-1)
const errorLines = () => printed.err.split('\n').filter((line) => line.startsWith('dar: '))

describe('dar predict', () => {
  it.each([
    ['JPEG', 'one.jpg', () => photo().jpeg()],
    ['PNG', 'one.png', () => photo().png()],
    ['WebP', 'one.webp', () => photo().webp()],
    ['a CMYK image', 'cmyk.jpg', () => photo().toColourspace('cmyk').jpeg()],
    ['a 16-bit image', 'deep.png', () => photo().toColourspace('rgb16').png()],
    ['a grey image', 'grey.png', () => photo().greyscale().png()],
    [
      'a 16-bit grey image with alpha',
      'alpha.png',
      () => photo().greyscale().toColourspace('grey16').ensureAlpha(0.5).png(),
    ],
  ])('makes a depth map of %s, at its size', async (_, name, encoded) => {
    const path = await put(name, await encoded().toBuffer())
    expect(await predict(path)).toBe(0)
    const stem = name.replace(/\..*/, '')
    expect(await results()).toEqual(RESULTS.map((suffix) => `${stem}.${suffix}`))
    const { width, height } = await decodeDepthPng(join(out, `${stem}.depth.png`))
    expect([width, height]).toEqual([WIDTH, HEIGHT])
    expect(printed.err).toBe('')
    expect(printed.out).toMatch(
      new RegExp(`^${path}: [\\d.]+ m to [\\d.]+ m, median [\\d.]+ m \\(lens: not known.*→ .*color\\.png\n$`),
    )
  })

  it('turns a photo upright as its EXIF says', async () => {
    const path = await put('turned.jpg', await photo().withMetadata({ orientation: 6 }).jpeg().toBuffer())
    expect(await predict(path)).toBe(0)
    const { width, height } = await decodeDepthPng(join(out, 'turned.depth.png'))
    expect([width, height]).toEqual([HEIGHT, WIDTH])
  })

  it('writes the steps and sigma when asked', async () => {
    const path = await put('steps.png', await photo().png().toBuffer())
    expect(await predict(path, '--steps')).toBe(0)
    const extra = ['sigma.color.png', 'sigma.npy', 'steps.png']
    const steps = [1, 2].flatMap((step) => [`step${step}.color.png`, `step${step}.depth.png`])
    expect(await results()).toEqual([...RESULTS, ...extra, ...steps].map((suffix) => `steps.${suffix}`).sort())
  })

  it('multiplies metres by the focal length', async () => {
    const path = await put('lens.png', await photo().png().toBuffer())
    const median = async (...flags: string[]) => {
      printed.out = ''
      expect(await predict(path, '--json', '--overwrite', ...flags)).toBe(0)
      return line().metres.median
    }
    const once = await median('--focal', '50')
    expect((await median('--focal', '100')) / once).toBeCloseTo(2, 4)
    expect((await median('--fx', '50', '--fy', '200')) / once).toBeCloseTo(2, 4) // √(fx·fy)
    const fov = (2 * Math.atan(WIDTH / 2 / 50) * 180) / Math.PI
    expect((await median('--fov', String(fov))) / once).toBeCloseTo(1, 4)
    expect(line()).toMatchObject({ focal: { source: 'given' }, intrinsics: { fx: expect.closeTo(50, 3), cx: 19.5 } })
  })

  it('says how the lens is known, and what is missing for it', async () => {
    const [FOCAL, FOCAL35] = [0x920a, 0xa405]
    const bytes = await photo().jpeg().toBuffer()
    const known = await put('known.jpg', withExifBlock(bytes, exifBlock({ [FOCAL]: [5, 4.2], [FOCAL35]: [3, 26] })))
    const half = await put('half.jpg', withExifBlock(bytes, exifBlock({ [FOCAL]: [5, 50] })))
    expect(await predict(known, half)).toBe(0)
    expect(printed.out).toContain('(lens: EXIF, 35 mm equivalent 26 mm)')
    expect(printed.out).toContain(
      '(lens: FocalLength 50 mm found, sensor not known: give --focal; 26 mm equivalent assumed)',
    )
    printed.out = ''
    expect(await predict(known, '--json', '--overwrite')).toBe(0)
    expect(line().focal).toEqual({
      relative: expect.closeTo(0.601, 3),
      source: 'exif',
      millimetres35: expect.closeTo(26, 6),
      note: '35 mm equivalent 26 mm',
    })
  })

  it('prints one line of JSON for every photo with --json, and no progress', async () => {
    const good = await put('json.png', await photo().png().toBuffer())
    const bad = await put('json-bad.txt', 'no image')
    expect(await predict(good, bad, '--json')).toBe(1)
    const [done, failed, ...rest] = lines()
    expect(rest).toEqual([])
    expect(done).toMatchObject({
      image: good,
      status: 'done',
      model: 'tiny',
      width: WIDTH,
      height: HEIGHT,
      files: Object.fromEntries(RESULTS.map((suffix) => [suffix, join(out, `json.${suffix}`)])),
      focal: { source: 'default' },
      networkSize: { width: 128, height: 96 },
    })
    const { min, median, max } = done.metres
    expect(min > 0 && min <= median && median <= max && max < 10).toBe(true)
    expect(done.milliseconds.run).toBeGreaterThan(0)
    expect(failed).toEqual({
      image: bad,
      status: 'failed',
      error: expect.stringContaining('json-bad.txt'),
      model: 'tiny',
    })
    expect(printed.err.split('\n').filter(Boolean).length).toBe(1)
  })

  it('skips photos whose results are there, writes what is missing, and makes them anew only when told', async () => {
    const path = await put('kept.png', await photo().png().toBuffer())
    const file = (suffix: string) => join(out, `kept.${suffix}`)
    expect(await predict(path)).toBe(0)
    await writeFile(file('color.png'), 'mine')
    printed.out = ''
    expect(await predict(path)).toBe(0)
    expect(printed.out).toBe(`${path}: skipped, ${file('color.png')} is there already; --overwrite makes it anew\n`)
    expect(await predict(path, '--json', '--exr')).toBe(0) // one more file: the others are kept
    expect(lines().at(-1)).toMatchObject({ status: 'done', files: { 'depth.exr': file('depth.exr') } })
    expect([await readFile(file('color.png'), 'utf8'), (await readFile(file('depth.exr'))).length > 100]).toEqual([
      'mine',
      true,
    ])
    expect(await predict(path, '--json')).toBe(0)
    expect(lines().at(-1)).toMatchObject({ image: path, status: 'skipped' })
    await rm(file('depth.npy')) // as a run leaves it that was killed
    expect(await predict(path, '--resume')).toBe(0)
    expect(await readFile(file('color.png'), 'utf8')).not.toBe('mine')
    await writeFile(file('color.png'), 'mine')
    expect(await predict(path, '--overwrite')).toBe(0)
    expect(await readFile(file('color.png'), 'utf8')).not.toBe('mine')
  })

  it('keeps the structure of a folder, and writes every kind that is asked for', async () => {
    const place = join(folder, 'tree')
    await mkdir(join(place, 'deep'), { recursive: true })
    const bytes = await photo().png().toBuffer()
    await writeFile(join(place, 'deep', 'a.png'), bytes)
    await writeFile(join(place, 'b.png'), bytes)
    expect(await predict(place, '--maps', 'log,npz,json', '--ply', '--glb', '--pred-only', '--grayscale')).toBe(0)
    const names = ['depth.npz', 'glb', 'json', 'log.png', 'ply']
    const wanted = ['b', 'deep/a'].flatMap((stem) => names.map((name) => join(`${stem}.${name}`)))
    expect((await readdir(out, { recursive: true })).sort()).toEqual(['deep', ...wanted].sort())
    const json = JSON.parse(await readFile(join(out, 'b.json'), 'utf8'))
    expect(json).toMatchObject({ image: join(place, 'b.png'), unit: 'metre', width: WIDTH, model: { name: 'tiny' } })
  })

  it('shows progress for several images', async () => {
    const paths = await Promise.all(['p1.png', 'p2.png'].map(async (name) => put(name, await photo().png().toBuffer())))
    expect(await predict(...paths)).toBe(0)
    expect(printed.err).toMatch(/photos 2\/2 .* took /)
  })

  it('frees the engine when it is done', async () => {
    const before = { ...live }
    await predict(await put('free.png', await photo().png().toBuffer()))
    expect(live).toEqual(before)
  })
})

describe('dar predict, of bad input', () => {
  it.each<[string, string, () => Promise<Uint8Array | string>, RegExp]>([
    ['a file that is no image', 'text.jpg', async () => 'hello', /text\.jpg is not an image that can be read/],
    [
      'a truncated JPEG',
      'cut.jpg',
      async () => (await photo().jpeg().toBuffer()).subarray(0, 500),
      /cut\.jpg is a damaged/,
    ],
    [
      'a truncated PNG',
      'cut.png',
      async () => (await photo().png().toBuffer()).subarray(0, 300),
      /cut\.png is a damaged/,
    ],
    ['an empty file', 'empty.jpg', async () => '', /empty\.jpg is empty \(0 bytes\)/],
    ['an image of no pixels', 'zero.png', async () => pngOfSize(0, 10), /zero\.png/],
    [
      '20,000×20,000 pixels',
      'huge.png',
      async () => pngOfSize(20_000, 20_000),
      /huge\.png has 20000×20000 pixels, more than/,
    ],
    [
      'a format that is not read',
      'anim.gif',
      async () => photo().gif().toBuffer(),
      /anim\.gif is a GIF file.*convert it/,
    ],
  ])('says what is wrong with %s in one line, and writes nothing', async (_, name, bytes, message) => {
    const path = await put(name, await bytes())
    expect(await predict(path)).toBe(1)
    expect(printed.err.endsWith('\n')).toBe(true)
    expect(printed.err.trimEnd().split('\n').length).toBe(1)
    expect(printed.err).toMatch(/^dar: /)
    expect(printed.err).toMatch(message)
    expect(printed.out).toBe('')
    expect(await results()).toEqual([])
  })

  it('goes on with the other images', async () => {
    const good = await put('good.png', await photo().png().toBuffer())
    const last = await put('last.png', await photo().png().toBuffer())
    const empty = join(folder, 'empty')
    await mkdir(empty, { recursive: true })
    expect(await predict(good, join(folder, 'absent.jpg'), empty, last)).toBe(1)
    expect(errorLines().length).toBe(2)
    expect(errorLines()[0]).toMatch(/there is no JPEG, PNG or WebP file in .*empty/)
    expect(errorLines()[1]).toMatch(/absent\.jpg was not found/)
    expect(await results()).toEqual(['good', 'last'].flatMap((stem) => RESULTS.map((suffix) => `${stem}.${suffix}`)))
  })

  it('reports results that cannot be written, leaves none of them behind, and goes on', async () => {
    const paths = await Promise.all(['w1.png', 'w2.png'].map(async (name) => put(name, await photo().png().toBuffer())))
    await mkdir(join(out, 'w1.depth.npy'), { recursive: true })
    expect(await predict(...paths)).toBe(1)
    expect(errorLines()).toEqual([
      expect.stringMatching(/^dar: cannot write .*w1\.depth\.npy: it is a folder; move it away$/),
    ])
    expect(await results()).toEqual(['w1.depth.npy', ...RESULTS.map((suffix) => `w2.${suffix}`)])
  })

  it('refuses an output folder that cannot be written to, before any image is read', async () => {
    const path = await put('fine.png', await photo().png().toBuffer())
    const blocked = await put('blocked', 'I am a file')
    for (const target of [blocked, join(blocked, 'inside')]) {
      printed.err = ''
      expect(await predict(path, '--out', target)).toBe(EXIT_CODES.output)
      expect(printed.err).toMatch(/^dar: cannot make the folder .*blocked: a file .*choose another folder\n$/)
    }
    expect(printed.out).toBe('')
    expect(await readFile(blocked, 'utf8')).toBe('I am a file')
  })

  it('tells the results of photos of one name apart', async () => {
    await mkdir(join(folder, 'other'), { recursive: true })
    const bytes = await photo().png().toBuffer()
    const pair = [await put('twin.png', bytes), await put('other/twin.png', bytes)]
    expect(await predict(...pair)).toBe(0)
    const names = await readdir(out, { recursive: true })
    expect(names.filter((name) => name.endsWith('depth.npy')).sort()).toEqual([
      join(basename(folder), 'twin.depth.npy'),
      join('other', 'twin.depth.npy'),
    ])
  })

  it('says that there is no such model, with the code for that', async () => {
    const path = await put('model.png', await photo().png().toBuffer())
    const program = createProgram([registerPredict], '0.0.0')
    const line = ['predict', path, '--out', out, '--model', 'dar-nono']
    expect(await run(() => program.parseAsync(line, { from: 'user' }))).toBe(EXIT_CODES.missing)
    expect(printed.err).toMatch(/there is no model 'dar-nono'/)
  })

  it.each([
    [['--focal', '-3'], /--focal -3: give a number above 0/],
    [['--focal', 'wide'], /--focal wide: give a number above 0/],
    [['--near', '5', '--far', '2'], /colour range 5\.\.2 m is empty/],
    [['--stretch', '--near', '1'], /'--stretch' cannot be used with option '--near/],
    [['--map', 'rainbow'], /rainbow.*Allowed choices are turbo, /],
    [['--maps', 'color,colour'], /there is no map 'colour'; give a comma-separated list of color, depth, log/],
    [['--threads', '0.5'], /threads/],
  ])('refuses %j and writes nothing', async (flags, message) => {
    const path = await put('flags.png', await photo().png().toBuffer())
    // Commander takes the last of repeated flags, so the flags under test come last.
    const program = createProgram([registerPredict], '0.0.0')
    const line = ['predict', path, '--out', out, '--model', model, ...flags]
    expect(await run(() => program.parseAsync(line, { from: 'user' }))).toBe(1)
    expect(printed.err).toMatch(message)
    expect(await results()).toEqual([])
  })
})
