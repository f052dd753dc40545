import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { encodeNpy } from '../image/npy.ts'
import { parsePoints, readMeasuredPoints } from './align-points.ts'
import { encodeDepthPng } from './png16.ts'
import { tiffOf } from './testing.ts'

const POINTS = [
  { u: 10.5, v: 20, metres: 2.25 },
  { u: 3, v: 4, metres: 0.5 },
]

describe('parsePoints', () => {
  it.each([
    ['three columns', '10.5,20,2.25\n3,4,0.5\n'],
    ['a header', 'u,v,metres\n10.5,20,2.25\n3,4,0.5'],
    ['columns in another order, among others', 'id,depth,x,y\na,2.25,10.5,20\nb,0.5,3,4\n'],
    ['units in the header', 'X [px];Y [px];Z (m)\r\n10.5;20;2.25\r\n3;4;0.5\r\n'],
    ['blanks, comments and empty lines', '# a lidar\n\n10.5  20   2.25 9 9\n   3 4 .5\n'],
    ['tabs, quotes and a byte order mark', '\uFEFF"u"\t"v"\t"m"\n"10.5"\t"20"\t"2.25"\n3\t4\t5e-1'],
  ])('reads %s', (_, text) => {
    expect(parsePoints(text, 'points.csv')).toEqual(POINTS)
  })

  it.each([
    ['', /^points.csv has no points; a line is u, v, metres/],
    ['u,v,metres\n', /^points.csv has no points/],
    ['1,2,3\n4,5\n', /^points.csv, line 2: '4,5' is no point/],
    ['1,2,3\n4,5,far', /^points.csv, line 2: '4,5,far' is no point/],
    ['u,v,metres\n1,,3', /^points.csv, line 2: '1,,3' is no point/],
    ['u,v,distance\n1,2,3', /^points.csv: the first line, 'u, v, distance', names no column metres/],
    ['1,2,Infinity', /no column u|is no point/],
  ])('refuses %j', (text, message) => {
    expect(() => parsePoints(text, 'points.csv')).toThrow(message)
  })
})

describe('readMeasuredPoints', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await temporaryFolder()
  })
  const put = async (name: string, bytes: Uint8Array | string) => {
    await writeFile(join(folder, name), bytes)
    return join(folder, name)
  }
  const depth = { width: 4, height: 3, data: Float32Array.from({ length: 12 }, (_, i) => (i === 5 ? 1.5 : 0)) }

  it('knows a table from a depth map by its bytes', async () => {
    expect(await readMeasuredPoints(await put('table.png', '1 2 3'))).toEqual({
      kind: 'points',
      points: [{ u: 1, v: 2, metres: 3 }],
    })
    const png = await readMeasuredPoints(await put('map.csv', await encodeDepthPng(depth)))
    expect(png).toEqual({ kind: 'map', depth })
  })

  it('reads a .npy and a TIFF as depth maps', async () => {
    expect(await readMeasuredPoints(await put('map.npy', encodeNpy(depth.data, [3, 4])))).toEqual({
      kind: 'map',
      depth,
    })
    const tiff = tiffOf(depth.data, { width: 4, height: 3, bits: 32, format: 'float' })
    expect(await readMeasuredPoints(await put('map.tif', tiff))).toEqual({ kind: 'map', depth })
  })

  it('says which file is missing, or is neither', async () => {
    await expect(readMeasuredPoints(join(folder, 'none.csv'))).rejects.toThrow(/none\.csv was not found/)
    await expect(readMeasuredPoints(await put('x.bin', Uint8Array.of(1, 0, 2)))).rejects.toThrow(/x\.bin/)
    const utf16 = await put('wide.csv', Buffer.from('\uFEFFu,v,metres\n1,2,3', 'utf16le'))
    await expect(readMeasuredPoints(utf16)).rejects.toThrow(/wide\.csv is text in UTF-16; save it as UTF-8/)
  })
})
