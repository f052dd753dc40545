import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { decodeNpy } from '../image/index.ts'
import { encodeDepthPng } from '../node/index.ts'
import type { DepthMap } from '../predict/index.ts'
import { registerPredict } from './predict.ts'
import { type AlignFlags, addAlignFlags, alignmentText, openAligner } from './predict-align.ts'
import { createProgram } from './program.ts'
import { capturePrinted } from './testing.ts'

const [WIDTH, HEIGHT] = [40, 30]
const SIZE = WIDTH * HEIGHT

/** 1 m at the left to 5 m at the right. */
function map(): DepthMap {
  const depth = Float32Array.from({ length: SIZE }, (_, i) => 1 + (4 * (i % WIDTH)) / (WIDTH - 1))
  const sigma = new Float32Array(SIZE).fill(0.1)
  const size = { width: WIDTH, height: HEIGHT }
  return {
    ...size,
    depth,
    data: depth,
    sigma,
    steps: [{ ...size, depth: depth.slice(), data: depth, sigma: null }],
    focal: { relative: 0.6, source: 'default', millimetres35: 26 },
    networkSize: { width: 128, height: 96 },
    milliseconds: { decode: 0, compile: 0, prepare: 0, run: 0, finish: 0 },
    warnings: [],
  }
}

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

/** Points every third column and row, where twice the map's depth is measured. */
function table(factor = 2): string {
  const lines = ['u,v,metres']
  for (let v = 0; v < HEIGHT; v += 3)
    for (let u = 0; u < WIDTH; u += 3) lines.push(`${u},${v},${factor * map().depth[v * WIDTH + u]}`)
  return lines.join('\n')
}

async function put(name: string, bytes: Uint8Array | string): Promise<string> {
  await writeFile(join(folder, name), bytes)
  return join(folder, name)
}

const open = (flags: AlignFlags, { photos = 1, metric = true } = {}) => openAligner(flags, { photos, metric })
async function aligned(flags: AlignFlags, photo = 'photo.jpg') {
  const aligner = await open(flags)
  return aligner!(photo, map())
}

describe('--align', () => {
  it('is nothing where it is not given', async () => {
    expect(await open({})).toBeNull()
    await expect(open({ alignIn: 'log' })).rejects.toThrow('--align-in without --align')
  })

  it('aligns a map, its sigma and its steps to a table', async () => {
    const { depth, data, sigma, steps, min, max, valid, alignment } = await aligned({
      align: await put('points.csv', table()),
    })
    expect(depth[39] / map().depth[39]).toBeCloseTo(2, 4)
    expect(data).toBe(depth)
    expect(sigma![0]).toBeCloseTo(0.2, 4)
    expect(steps[0].depth[39]).toBeCloseTo(10, 3)
    expect(steps[0].data).toBe(steps[0].depth)
    expect([min, max]).toEqual([depth[0], depth[39]])
    expect(valid.every((flag) => flag === 1)).toBe(true)
    expect(alignmentText(alignment)).toMatch(
      /^aligned in log depth to 140 of 140 points, off by 3\.\d+ m before, [\d.e-]+ m after \(rms, [\d.e-]+ %\)$/,
    )
  })

  it('aligns to a sparse depth map of another size', async () => {
    const data = new Float32Array(20 * 15)
    for (let i = 0; i < data.length; i += 7)
      data[i] = 3 * map().depth[2 * (i % 20) + 1 + 2 * WIDTH * Math.floor(i / 20)]
    const align = await put('sparse.png', await encodeDepthPng({ width: 20, height: 15, data }))
    const { depth } = await aligned({ align, alignIn: 'inverse' })
    expect(depth[25] / map().depth[25]).toBeCloseTo(3, 1)
  })

  it('takes the space that is asked for', async () => {
    const align = await put('space.csv', table(1.5))
    expect((await aligned({ align, alignIn: 'inverse' })).alignment.space).toBe('inverse')
  })

  it('finds the points of each of several photos in a folder', async () => {
    const points = join(folder, 'points')
    await mkdir(points)
    await writeFile(join(points, 'one.csv'), table(2))
    await writeFile(join(points, 'two.TXT'), table(3))
    await writeFile(join(points, 'both.csv'), table())
    await writeFile(join(points, 'both.png'), table())
    const aligner = (await open({ align: points }, { photos: 3 }))!
    expect((await aligner('photos/one.jpg', map())).depth[0]).toBeCloseTo(2, 3)
    expect((await aligner('two.png', map())).depth[0]).toBeCloseTo(3, 3)
    await expect(aligner('three.png', map())).rejects.toThrow(/has no points for three\.png; put three\.csv there/)
    await expect(aligner('both.jpg', map())).rejects.toThrow(/several files of points for both\.jpg/)
  })

  it('refuses one file for several photos', async () => {
    const align = await put('one.csv', table())
    await expect(open({ align }, { photos: 2 })).rejects.toThrow(/is one file for 2 photos; give a folder/)
  })

  it('names the file of points that cannot be used', async () => {
    await expect(aligned({ align: await put('few.csv', '1,2,3\n4,5,6') })).rejects.toThrow(
      /few\.csv: 2 of 2 points can be used; give at least 3/,
    )
  })

  it('reads one file before any photo is predicted, so that a wrong name is exit code 66', async () => {
    await expect(open({ align: join(folder, 'none.csv') })).rejects.toMatchObject({
      kind: 'missing',
      message: expect.stringMatching(/none\.csv was not found/),
    })
    await expect(open({ align: await put('word.csv', '1,2,3\n4,5,far') })).rejects.toThrow(/line 2: '4,5,far'/)
  })

  it('makes metres of a relative map', async () => {
    const relative = { ...map(), depth: map().depth.map((d) => 5 / d - 0.5), sigma: null, steps: [] }
    const aligner = (await open({ align: await put('relative.csv', table(1)) }, { metric: false }))!
    const { depth, alignment } = await aligner('photo.jpg', relative)
    expect(depth[20] / map().depth[20]).toBeCloseTo(1, 3)
    expect(alignmentText(alignment)).toMatch(/^aligned in inverse depth to 140 of 140 points, off by [\d.e-]+ m \(rms/)
  })

  it('has its two flags in the help', () => {
    const help = addAlignFlags(new Command()).helpInformation()
    expect(help).toContain('--align <file|dir>')
    expect(help).toContain('--align-in <space>')
  })
})

describe('dar predict --align', () => {
  const printed = capturePrinted()

  it('writes aligned metres, and prints how well the points fit', { timeout: 300_000 }, async () => {
    const model = await writeTinyModel(join(folder, 'tiny.safetensors'))
    const photo = join(folder, 'photo.png')
    const data = Uint8Array.from({ length: 3 * SIZE }, (_, i) => (i * 7) % 251)
    await sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).toFile(photo)
    const predict = (...flags: string[]) =>
      createProgram([registerPredict], '0.0.0').parseAsync(
        ['predict', photo, '--model', model, '--threads', '1', '--out', join(folder, 'out'), '--overwrite', ...flags],
        { from: 'user' },
      )
    const depthOf = async () => decodeNpy(await readFile(join(folder, 'out', 'photo.depth.npy'))).data

    await predict()
    const before = await depthOf()
    const lines = Array.from({ length: 60 }, (_, k) => {
      const i = (k * 197) % SIZE
      return `${i % WIDTH} ${Math.floor(i / WIDTH)} ${1.5 * before[i]}`
    })
    const align = await put('tiny.csv', lines.join('\n'))
    await predict('--align', align)
    expect(printed.out).toMatch(/aligned .* to \d+ of 60 points, off by .* m before, .* m after/)
    const after = await depthOf()
    for (let i = 0; i < SIZE; i += 53) expect(after[i] / before[i]).toBeCloseTo(1.5, 2)

    printed.out = ''
    await predict('--align', align, '--align-in', 'log', '--json')
    const text = printed.out.trim()
    expect(text).toContain('"alignment"')
    expect(text).toContain('"points":60')
  })
})
