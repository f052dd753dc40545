import { describe, expect, it } from 'vitest'
import type { DepthImage } from '../../image/types.ts'
import { DarError } from '../../support/errors.ts'
import { namedDataset } from '../named.ts'
import type { OpenedDataset } from '../readers/index.ts'
import type { Frame } from '../types.ts'
import { DepthHistogram, mapFigures, measurements } from './depth-statistics.ts'
import { inspectDataset, spread } from './inspect.ts'
import { shrinkDepth } from './sheet.ts'

const [width, height] = [80, 60]
type Depth = (x: number, y: number) => number

function mapOf(depth: Depth, w = width, h = height): DepthImage {
  return { width: w, height: h, data: Float32Array.from({ length: w * h }, (_, i) => depth(i % w, Math.floor(i / w))) }
}
function setOf(frames: (Depth | DepthImage | null | Error)[]): OpenedDataset {
  const read = async (_: string, i: number): Promise<Omit<Frame, 'name'>> => {
    const one = frames[i]
    if (one instanceof Error) throw one
    const depth = typeof one === 'function' ? mapOf(one) : one
    return { image: { width, height, data: new Uint8Array(3 * width * height) }, depth, intrinsics: null }
  }
  const names = frames.map((_, i) => `f${i}`)
  return { ...namedDataset('set', names, read, { notes: ['a note'] }), layout: 'folder' }
}
const inspect = async (...frames: Parameters<typeof setOf>[0]) => (await inspectDataset(setOf(frames))).inspection

/** A wall that recedes from 1 to 4 m, finely: nothing is wrong with it. */
const plain: Depth = (x, y) => 1 + (3 * (x + y / height)) / width

describe('inspectDataset', () => {
  it('measures what there is, and suspects nothing of an ordinary set', async () => {
    const found = await inspect(plain, (x, y) => (x < 20 ? 0 : plain(x, y)))
    expect(found).toMatchObject({ frames: 2, inspected: 2, broken: [], empty: [], notes: ['a note'], suspicions: [] })
    expect(found.imageSizes).toEqual({ '80x60': 2 })
    expect(found.valid).toEqual({ mean: 0.875, min: 0.75, max: 1 })
    expect(found.metres?.min).toBe(1)
    expect(found.metres?.max).toBeCloseTo(4, 1)
    // Medians of 2.5 and, from a quarter on, 2.875.
    expect(found.metres?.median).toBeCloseTo(2.6875, 1)
    expect(found.histogram.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
  })

  it('names and counts what cannot be read, and goes on', async () => {
    const found = await inspect(
      plain,
      new DarError('b.png is damaged'),
      plain,
      new DarError('c.png is empty (0 bytes)'),
    )
    expect(found.inspected).toBe(4)
    expect(found.broken).toEqual([
      { name: 'f1', error: 'b.png is damaged' },
      { name: 'f3', error: 'c.png is empty (0 bytes)' },
    ])
    expect(found.depthSizes).toEqual({ '80x60': 2 })
  })

  it('does not hide a mistake of ours behind a broken file', async () => {
    await expect(inspect(plain, new TypeError('oops'))).rejects.toThrow(TypeError)
  })

  it('counts frames without depth, and names maps without any measurement', async () => {
    const found = await inspect(null, () => 0, plain)
    expect([found.withoutDepth, found.empty]).toEqual([1, ['f1']])
    const none = await inspect(() => 0)
    expect([none.metres, none.valid?.mean, none.histogram]).toEqual([null, 0, []])
  })

  it('looks at no more frames than asked for, evenly spread', async () => {
    const seen: string[] = []
    const set = setOf(Array.from({ length: 10 }, () => plain))
    const { inspection, sheet } = await inspectDataset(set, {
      limit: 4,
      sheetFrames: 2,
      onProgress: (done, total, frame) => seen.push(`${done}/${total} ${frame}`),
    })
    expect(seen).toEqual(['1/4 f1', '2/4 f3', '3/4 f6', '4/4 f8'])
    expect([inspection.frames, inspection.inspected]).toEqual([10, 4])
    expect(sheet?.width).toBeGreaterThan(4 * 260)
    expect((await inspectDataset(set)).sheet).toBeNull()
    expect(spread(3, 9)).toEqual([0, 1, 2])
  })

  it('suspects photos that are called depth maps, where no reader took them for such', async () => {
    const set = setOf([null, null, null])
    const named = { ...set, names: ['0005', 'groundtruth_0005', 'display'] }
    expect((await inspectDataset(named)).inspection.suspicions).toEqual([
      '1 of the photos may be depth maps (groundtruth_0005): put them into depth/ and photos into rgb/',
    ])
    expect((await inspect(null, plain)).suspicions).toEqual([])
  })

  it('draws broken frames and photos without depth on the sheet', async () => {
    const { sheet } = await inspectDataset(setOf([new DarError('gone'), null, plain]), { sheetFrames: 3 })
    expect(sheet?.data.length).toBe(3 * (sheet?.width ?? 0) * (sheet?.height ?? 0))
  })
})

describe('suspicions', () => {
  it.each<[string, RegExp, Depth]>([
    ['millimetres read as metres', /millimetres read as metres/, (x, y) => 1000 * plain(x, y)],
    ['metres read as millimetres', /metres read as millimetres/, (x, y) => plain(x, y) / 1000],
    [
      '8-bit depth',
      /no finer steps than 8 bits .*256 different/,
      (x, y) => ((((x * 61 + y * 7) % 256) + 1) * 10) / 256,
    ],
    ['whole metres', /whole metres/, (x, y) => Math.round(plain(x, y))],
    [
      'a code for no measurement',
      /one largest distance \(f0: 25 % at 65\.535 m\)/,
      (x, y) => (x < 20 ? 65.535 : plain(x, y)),
    ],
    ['rotated bits', /multiples of 8 mm/, (x, y) => (Math.round(plain(x, y) * 1000) * 8) / 1000],
    [
      'hardly any measurement',
      /only 0\.2 % of the pixels/,
      (x, y) => (x % 20 === 0 && y % 20 === 0 && x < 60 ? 2 + x : 0),
    ],
  ])('of %s', async (_, message, depth) => {
    const { suspicions } = await inspect(depth)
    expect(suspicions).toHaveLength(1)
    expect(suspicions[0]).toMatch(message)
  })

  it('of depth in another shape than the photo', async () => {
    const found = await inspect(mapOf(plain, 80, 40), mapOf(plain, 40, 30))
    expect(found.suspicions).toEqual([
      expect.stringMatching(/^1 frame has depth of another shape than the photo \(f0\)/),
    ])
    expect(found.otherSize).toEqual(['f0', 'f1'])
  })

  it('of frames whose units differ', async () => {
    const { suspicions } = await inspect(
      plain,
      plain,
      (x, y) => 1000 * plain(x, y),
      (x, y) => 1000 * plain(x, y),
      plain,
    )
    expect(suspicions.join()).toMatch(/differ by a factor of/)
  })

  it('not of a structured-light camera, whose few distances are not even', async () => {
    // Distance from whole disparities: 174 different ones in 1.5 to 9.3 m, as a real frame of TUM has.
    const kinect: Depth = (x, y) => Math.round(5000 * (580 / (62 + ((x * 61 + y * 7) % 174) * 1.88))) / 5000
    expect((await inspect(kinect)).suspicions).toEqual([])
  })
})

describe('depth statistics', () => {
  it('median and levels of a map are exact', () => {
    const map = mapOf((x) => [0, 3, 1, 1, Number.NaN, 7, Number.POSITIVE_INFINITY, -1][x], 8, 1)
    expect(mapFigures(map)).toMatchObject({
      valid: 0.5,
      min: 1,
      median: 2,
      max: 7,
      measured: 4,
      levels: 3,
      atMax: 0.25,
    })
  })

  it('quantiles over all maps are right to 1.2 percent, from tenths of millimetres to kilometres', () => {
    for (const unit of [0.001, 1, 1000]) {
      const histogram = new DepthHistogram()
      const values = Float32Array.from({ length: 5000 }, (_, i) => unit * (1 + i / 1000))
      for (let part = 0; part < 5; part++)
        histogram.add(measurements({ width: 1, height: 1, data: values.filter((_, i) => i % 5 === part) }))
      for (const q of [0.01, 0.5, 0.99]) expect(histogram.quantile(q) / (unit * (1 + 5 * q))).toBeCloseTo(1, 1.6)
      expect(histogram.bars([unit, 3.5 * unit]).map(({ share }) => Math.round(20 * share) / 20)).toEqual([0, 0.5, 0.5])
    }
  })

  it('a shrunken map keeps single points and prefers the middle', () => {
    const points = mapOf((x, y) => (x === 1 && y === 1 ? 5 : x === 2 && y === 0 ? 4 : 0), 4, 4)
    expect([...shrinkDepth(points, 1, 1).data]).toEqual([4])
    const dense = mapOf((x, y) => 1 + x + 10 * y, 4, 4)
    expect([...shrinkDepth(dense, 2, 2).data]).toEqual([12, 14, 32, 34])
    expect([
      ...shrinkDepth(
        mapOf((x) => x + 1, 2, 1),
        4,
        1,
      ).data,
    ]).toEqual([1, 1, 2, 2])
  })
})
