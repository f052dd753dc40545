import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { pieceFixture } from '../../test/parity/fixture.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { loadProtocol, namedProtocol, PROTOCOL_NAMES, parseProtocol } from './presets.ts'
import { describeProtocol, inputBox, measuredBox } from './protocol.ts'

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

describe('presets', () => {
  it.each([...PROTOCOL_NAMES])('%s survives the way through JSON, and is complete', (name) => {
    const protocol = namedProtocol(name)
    expect(parseProtocol(JSON.parse(JSON.stringify(protocol)))).toEqual(protocol)
    expect(Object.keys(protocol)).toHaveLength(12)
  })

  it.each([
    [
      'nyu-eigen',
      'nyu-eigen: Eigen crop (rows 45..470, columns 41..600), 0.001 < truth < 10 m, no alignment, mean over images',
    ],
    [
      'kitti-eigen',
      'kitti-eigen: Garg crop of the KB crop (1216x352), 0.001 < truth < 80 m, no alignment, predicted on the KB crop (1216x352), mean over images',
    ],
    [
      'kitti-eigen-bts',
      'kitti-eigen-bts: Garg crop, 0.001 < truth < 80 m, no alignment, predicted on the KB crop (1216x352), mean over images',
    ],
    [
      'sunrgbd-8m',
      'sunrgbd-8m: Eigen crop (rows 45..470, columns 41..600), 0.001 < truth < 8 m, no alignment, truth at 640x480, mean over images',
    ],
  ] as const)('%s in one line', (name, text) => {
    expect(describeProtocol(namedProtocol(name))).toBe(text)
  })

  it('no two say the same of the measurement', () => {
    const texts = PROTOCOL_NAMES.map((name) => describeProtocol({ ...namedProtocol(name), name: undefined }))
    expect(new Set(texts).size).toBe(PROTOCOL_NAMES.length)
  })

  it('measure in the boxes of the reference, for every size of KITTI', async () => {
    const golden = await pieceFixture('protocol')
    const box = (name: string) => [...golden.get(`trace/${name}`)!.values]
    for (const [h, w] of [
      [375, 1242],
      [370, 1226],
      [376, 1241],
    ]) {
      const kb = box(`kb_${h}x${w}`) // top, bottom, left, right
      const inside = box('garg_352x1216')
      const cropped = measuredBox(namedProtocol('kitti-eigen'), w, h)
      expect([cropped.top, cropped.bottom, cropped.left, cropped.right]).toEqual(
        inside.map((edge, i) => edge + (i < 2 ? kb[0] : kb[2])),
      )
      for (const name of ['kitti-eigen-full', 'kitti-eigen-bts'] as const) {
        const full = measuredBox(namedProtocol(name), w, h)
        expect([full.top, full.bottom, full.left, full.right]).toEqual(box(`garg_${h}x${w}`))
      }
      const shown = inputBox('kb', w, h)
      expect([shown.top, shown.top + shown.height, shown.left, shown.left + shown.width]).toEqual(kb)
    }
    const nyu = measuredBox(namedProtocol('nyu-eigen'), 640, 480)
    expect([nyu.top, nyu.bottom, nyu.left, nyu.right]).toEqual(box('eigen_480x640'))
  })
})

describe('a protocol from a file', () => {
  const put = async (text: string) => {
    const path = join(folder, 'mine.json')
    await writeFile(path, text)
    return path
  }
  const base = { region: 'full', minimum: 0.1, cap: 10, alignment: 'none' }

  it('is complete after it is read', async () => {
    const halves = { share: 0.6 }
    const protocol = await loadProtocol(await put(JSON.stringify({ ...base, halves, flip: true })))
    expect(protocol).toMatchObject({ halves: { share: 0.6, blend: 'linear' }, flip: true, averaging: 'image' })
    expect(describeProtocol(protocol)).toContain('two windows of 0.6 of the width, linear blend, flip-averaged')
  })

  it.each([
    ['no JSON', '{', /cannot read the protocol .*mine\.json/],
    ['a field that does not exist', JSON.stringify({ ...base, crop: 'garg' }), /mine\.json: .*crop/],
    ['no cap', JSON.stringify({ ...base, cap: undefined }), /"cap"/],
    ['an empty range', JSON.stringify({ ...base, minimum: 11 }), /"cap": the cap must lie above the minimum/],
    ['windows that do not overlap', JSON.stringify({ ...base, halves: { share: 0.5 } }), /"halves\.share"/],
    [
      'a resized truth with a crop',
      JSON.stringify({ ...base, input: 'kb', truthSize: { width: 8, height: 6 } }),
      /truthSize/,
    ],
  ])('is refused with %s', async (_, text, message) => {
    await expect(loadProtocol(await put(text))).rejects.toThrow(message)
  })

  it('must have a known name', async () => {
    await expect(loadProtocol('nyu')).rejects.toThrow(/no protocol 'nyu'; choose one of indoor, .*nyu-eigen/)
  })
})
