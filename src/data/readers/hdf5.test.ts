import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DarError } from '../../support/errors.ts'
import { Random } from '../../support/random.ts'
import { withHdf5 } from './hdf5.ts'
import { temporaryFolder, writeHdf5 } from './testing.ts'

const folder = temporaryFolder()
const descriptors = () => readdirSync('/proc/self/fd').length

async function goodFile(): Promise<Buffer> {
  const data = Float32Array.from({ length: 1200 }, (_, i) => i)
  const path = await writeHdf5(join(folder.path, 'good.h5'), {
    depth: { data, shape: [30, 40], chunks: [10, 10] },
    plain: { data: data.slice(0, 777), shape: [777] },
  })
  return readFileSync(path)
}

/** Bytes overwritten in the structures at the file's beginning, or a file that breaks off. */
function damaged(good: Buffer, random: Random): Buffer {
  if (random.uniform() < 0.3) return good.subarray(0, random.integer(0, good.length))
  const bytes = Buffer.from(good)
  for (let n = random.integer(1, 20); n > 0; n--)
    bytes[random.integer(0, random.uniform() < 0.5 ? 2048 : bytes.length)] = random.integer(0, 256)
  return bytes
}

const readAll = (source: string | Uint8Array) =>
  withHdf5(source, (file) => [file.read('depth'), file.read('plain')].map((values) => values.length))

describe.skipIf(process.platform !== 'linux')('damaged HDF5 files', () => {
  it('leave no descriptor open and do not spoil the good ones after them', async () => {
    const good = await goodFile()
    const random = new Random(5)
    const path = join(folder.path, 'frame.h5')
    await writeFile(path, good)
    await readAll(path)
    const before = descriptors()
    let refused = 0
    for (let i = 0; i < 500; i++) {
      // One path, one inode: what the library still held of a damaged file it would take for the next.
      await writeFile(path, i % 10 === 9 ? good : damaged(good, random))
      const sizes = await readAll(path).catch((error: unknown) => {
        expect(error).toBeInstanceOf(DarError)
        return null
      })
      if (sizes === null) refused++
      if (i % 10 === 9) expect(sizes).toEqual([1200, 777])
    }
    expect(refused).toBeGreaterThan(100)
    expect(descriptors() - before).toBeLessThan(5)
  }, 120_000)

  it('in memory do the same', async () => {
    const good = await goodFile()
    const random = new Random(6)
    for (let i = 0; i < 150; i++) await readAll(damaged(good, random)).catch(() => {})
    expect(await readAll(good)).toEqual([1200, 777])
  }, 120_000)
})

describe('withHdf5', () => {
  it('reads no array that no frame needs', async () => {
    const { File, ready } = await import('h5wasm/node')
    await ready
    const path = join(folder.path, 'huge.h5')
    const file = new File(path, 'w')
    const plain = file.create_dataset({
      name: 'plain',
      data: new Float32Array(777),
      shape: [777],
      maxshape: [null],
      chunks: [100],
    })
    plain.resize([4_000_000_000]) // 16 GB, in a file of a few KB
    file.close()
    await expect(withHdf5(path, (file) => file.read('plain'))).rejects.toThrow(
      /huge\.h5: 'plain' has the shape 4000000000 in pieces of 100, too large for a frame/,
    )
  })
})
