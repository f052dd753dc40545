import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DarError } from '../../support/errors.ts'
import { readMat5 } from './mat5.ts'
import { CELLS_MAT, PLAIN_MAT, put, SPLITS_MAT, temporaryFolder } from './testing.ts'

const folder = temporaryFolder()
const write = (bytes: Uint8Array) => put(join(folder.path, 'a.mat'), bytes)

const HEAD = Buffer.from(`${'MATLAB 5.0 MAT-file'.padEnd(124)}\0\x01IM`, 'latin1')

/** Type, size and data, not padded. */
function tagged(type: number, data: Uint8Array): Buffer {
  const tag = Buffer.alloc(8)
  tag.writeUInt32LE(type)
  tag.writeUInt32LE(data.length, 4)
  return Buffer.concat([tag, data])
}

const element = (type: number, data: Uint8Array) =>
  Buffer.concat([tagged(type, data), Buffer.alloc((8 - (data.length % 8)) % 8)])

/** Flags with the class, dimensions, and the name `v` of an array. */
const matrixHead = (kind: number) =>
  Buffer.concat([
    element(6, Buffer.from([kind, 0, 0, 0, 0, 0, 0, 0])),
    element(5, Buffer.alloc(8)),
    element(1, Buffer.from('v')),
  ])

const matrixOf = (bytes: Uint8Array) => Buffer.concat([matrixHead(9), element(2, bytes)])

describe('readMat5', () => {
  it.each([
    ['compressed', SPLITS_MAT, [3, 1, 300]],
    ['plain', PLAIN_MAT, [3, 1]],
  ] as const)('reads %s numbers of any stored type, as SciPy writes them', async (_, bytes, train) => {
    const variables = await readMat5(await write(bytes))
    expect(variables.get('trainNdxs')).toEqual(Float64Array.from(train))
    expect(variables.get('testNdxs')).toEqual(Float64Array.of(4, 2))
  })

  it('reads cells of strings and passes over structures', async () => {
    const cells = await readMat5(await write(CELLS_MAT))
    expect(cells.get('alltest')).toEqual(['/n/fs/sun3d/data/SUNRGBD/kv1/a', '/n/fs/sun3d/data/SUNRGBD/kv2/b/'])
    expect(cells.get('alltrain')).toEqual(['/n/fs/sun3d/data/SUNRGBD/kv2/c'])
    expect((await readMat5(await write(SPLITS_MAT))).has('s')).toBe(false)
  })

  it('unpacks no more than a split file has, in all variables together', async () => {
    const bomb = (count: number, bytes: number) => {
      const packed = deflateSync(element(14, matrixOf(new Uint8Array(bytes))))
      return Buffer.concat([HEAD, ...Array.from({ length: count }, () => tagged(15, packed))])
    }
    expect((await readMat5(await write(bomb(3, 1000)))).size).toBe(1)
    await expect(readMat5(await write(bomb(1, 70e6)))).rejects.toThrow(/a\.mat is not a MAT file/)
    await expect(readMat5(await write(bomb(20, 1e6)))).rejects.toThrow(/holds more than any split file/)
  })

  it('refuses cells in cells in cells, and reads long strings', async () => {
    let nested: Buffer = matrixOf(new Uint8Array(8))
    for (let i = 0; i < 2000; i++) nested = Buffer.concat([matrixHead(1), element(14, nested)])
    await expect(readMat5(await write(Buffer.concat([HEAD, element(14, nested)])))).rejects.toThrow(/nested too deep/)
    const text = Buffer.concat([matrixHead(4), element(17, Buffer.alloc(400_000, 'a\0'))])
    const variables = await readMat5(await write(Buffer.concat([HEAD, element(14, text)])))
    expect(variables.get('v')).toHaveLength(200_000)
  })

  it('names a file that is cut off, damaged or something else', async () => {
    for (const bytes of [PLAIN_MAT.subarray(0, 180), SPLITS_MAT.subarray(0, 190), new Uint8Array(300)]) {
      const path = await write(bytes)
      await expect(readMat5(path)).rejects.toThrow(DarError)
      await expect(readMat5(path)).rejects.toThrow(path)
    }
    await expect(readMat5(join(folder.path, 'nowhere.mat'))).rejects.toThrow(/nowhere\.mat/)
  })
})
