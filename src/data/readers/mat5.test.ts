import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DarError } from '../../support/errors.ts'
import { readMat5 } from './mat5.ts'
import { CELLS_MAT, PLAIN_MAT, put, SPLITS_MAT, temporaryFolder } from './testing.ts'

const folder = temporaryFolder()
const write = (bytes: Uint8Array) => put(join(folder.path, 'a.mat'), bytes)

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

  it('names a file that is cut off, damaged or something else', async () => {
    for (const bytes of [PLAIN_MAT.subarray(0, 180), SPLITS_MAT.subarray(0, 190), new Uint8Array(300)]) {
      const path = await write(bytes)
      await expect(readMat5(path)).rejects.toThrow(DarError)
      await expect(readMat5(path)).rejects.toThrow(path)
    }
    await expect(readMat5(join(folder.path, 'nowhere.mat'))).rejects.toThrow(/nowhere\.mat/)
  })
})
