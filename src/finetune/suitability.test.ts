import { describe, expect, it } from 'vitest'
import { tinyMobile } from '../../test/tiny-config.ts'
import type { Inspection } from '../data/index.ts'
import { parseConfig } from '../model/index.ts'
import { judgeFolder, type Seen } from './suitability.ts'

const MODEL: Seen = {
  name: 'dar-test',
  config: parseConfig({ dMin: 0.1, dMax: 10 }),
  network: { width: 256, height: 192 },
  scale: 1,
}

/** 50 photos of a depth camera in a room. */
const GOOD: Inspection = {
  name: 'mine',
  layout: 'folder',
  frames: 50,
  inspected: 50,
  broken: [],
  notes: [],
  withoutDepth: 0,
  empty: [],
  imageSizes: { '640x480': 50 },
  depthSizes: { '640x480': 50 },
  otherSize: [],
  otherShape: [],
  cameras: { known: 50, first: { fx: 500, fy: 500, cx: 320, cy: 240 } },
  metres: { min: 0.5, p1: 0.6, median: 2, p99: 5, max: 6 },
  valid: { mean: 0.8, min: 0.5, max: 1 },
  histogram: [],
  suspicions: [],
}
const metres = (median: number) => ({ min: median / 4, p1: median / 3, median, p99: 2 * median, max: 3 * median })
const reasons = (change: Partial<Inspection>, model: Partial<Seen> = {}) =>
  judgeFolder({ ...GOOD, ...change }, { ...MODEL, ...model }).reasons

describe('judgeFolder', () => {
  it('lets an ordinary folder pass, without a word', () => {
    expect(judgeFolder(GOOD, MODEL)).toEqual({ reasons: [], warnings: [] })
  })

  it.each<[string, Partial<Inspection>, RegExp]>([
    ['too few frames', { frames: 19, inspected: 19 }, /^19 frames with depth: .*at least 20/],
    ['too few with a measurement', { frames: 25, inspected: 25, empty: Array(10).fill('x') }, /^15 frames with depth/],
    ['no depth', { layout: 'photos', withoutDepth: 50, metres: null, valid: null }, /^there are photos and no depth/],
    ['some without depth', { withoutDepth: 3 }, /^3 frames without depth/],
    ['frames that cannot be read', { broken: [{ name: 'a', error: 'a.png is damaged' }] }, /^1 frame cannot.*damaged/],
    [
      'millimetres taken for metres',
      { metres: metres(2000) },
      /typical distance is 2000 m.*0\.1 to 10 m.*--depth-scale/,
    ],
    ['metres taken for millimetres', { metres: metres(0.002) }, /typical distance is 0\.002 m/],
    ['units that differ', { suspicions: ['typical distances of frames differ by a factor of 1000'] }, /^typical dist/],
    ['hardly a measurement', { valid: { mean: 0.002, min: 0, max: 0.01 } }, /^only 0\.20 % of the pixels/],
    ['thumbnails', { imageSizes: { '640x480': 40, '100x75': 10 } }, /^there are photos of 100x75 pixels/],
    ['maps of another camera', { otherShape: Array(6).fill('f7') }, /^6 frames with depth of another shape.*f7/],
  ])('refuses %s', (_, change, message) => {
    const found = reasons(change)
    expect(
      found.find((reason) => message.test(reason)),
      found.join('\n'),
    ).toBeDefined()
  })

  it('gives all reasons at once', () => {
    expect(reasons({ frames: 5, inspected: 5, metres: metres(2000), imageSizes: { '32x24': 5 } })).toHaveLength(3)
  })

  it('judges distances through the lens: a wide one makes the same wall nearer for the model', () => {
    expect(reasons({ metres: metres(15) })).toHaveLength(1)
    expect(reasons({ metres: metres(15) }, { scale: 0.5 })).toEqual([])
  })

  it('refuses a model of relative depth', () => {
    const config = parseConfig({ ...tinyMobile(), head: 'dpt', dptOutput: 'relative' })
    expect(reasons({}, { config })).toEqual([expect.stringMatching(/relative depth/)])
  })

  it('warns of what only makes it worse', () => {
    const found = { ...GOOD, cameras: { known: 0, first: null }, metres: metres(6), suspicions: ['odd'] }
    expect(judgeFolder(found, MODEL)).toEqual({
      reasons: [],
      warnings: ['odd', expect.stringMatching(/beyond 10 m/), expect.stringMatching(/camera is not known/)],
    })
  })
})
