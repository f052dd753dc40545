import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { decodeNpy } from '../image/npy.ts'
import { encodeDepthNpz, encodeNpz } from './npz.ts'
import { boxBeforeWall, camera } from './testing.ts'

const hasNumpy = spawnSync('python3', ['-c', 'import numpy']).status === 0

const whole = () => {
  const depth = boxBeforeWall()
  return { depth, bytes: encodeDepthNpz(depth, { sigma: depth.data.map((d) => d / 10), intrinsics: camera }) }
}

describe('encodeDepthNpz', () => {
  it('holds depth, sigma and the camera under their names', () => {
    const { depth, bytes } = whole()
    const files = unzipSync(bytes)
    expect(Object.keys(files)).toEqual(['depth.npy', 'sigma.npy', 'intrinsics.npy'])
    expect(decodeNpy(files['depth.npy'])).toEqual({ shape: [16, 24], data: depth.data })
    expect(decodeNpy(files['intrinsics.npy'])).toEqual({
      shape: [3, 3],
      data: Float32Array.of(40, 0, 11.5, 0, 50, 7.5, 0, 0, 1),
    })
  })

  it('leaves out what is not known, and is the same bytes each time', () => {
    const bytes = encodeDepthNpz(boxBeforeWall(), { sigma: null })
    expect(Object.keys(unzipSync(bytes))).toEqual(['depth.npy'])
    expect(encodeDepthNpz(boxBeforeWall())).toEqual(bytes)
  })

  it('refuses a shape that does not fit', () => {
    expect(() => encodeNpz({ a: { data: new Float32Array(3), shape: [2, 2] } })).toThrow(/3 values/)
  })

  it.skipIf(!hasNumpy)('is read by numpy', async () => {
    const path = join(await temporaryFolder(), 'map.npz')
    await writeFile(path, whole().bytes)
    const program = `
import numpy, sys
with numpy.load(sys.argv[1]) as z:
    print(sorted(z), z['depth'].shape, z['depth'].dtype, z['depth'][0, 0], z['depth'][15, 23], z['intrinsics'][1, 2])`
    const { stdout, stderr } = spawnSync('python3', ['-c', program, path], { encoding: 'utf8' })
    expect(stdout, stderr).toBe("['depth', 'intrinsics', 'sigma'] (16, 24) float32 2.0 1.0 7.5\n")
  })
})
