import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { DarError } from '../support/errors.ts'
import {
  openSafetensors,
  readHeader,
  readSafetensors,
  writeSafetensors,
  writeSafetensorsInParts,
} from './safetensors-file.ts'

describe('safetensors on disk', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await temporaryFolder()
    path = join(folder, 'model.safetensors')
  })

  const tensors = {
    weight: { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    steps: { dtype: 'I64', shape: [], data: BigInt64Array.of(5n) },
  } as const

  it('returns what was written, and leaves no other file behind', async () => {
    await writeSafetensors(path, tensors, { format: 'pt' })
    const file = await readSafetensors(path)
    expect(file.metadata).toEqual({ format: 'pt' })
    expect(file.tensors.get('weight')?.data).toEqual(tensors.weight.data)
    expect(file.tensors.get('steps')?.data).toEqual(tensors.steps.data)
    expect(await readdir(folder)).toEqual(['model.safetensors'])
  })

  it('reads a header whose offsets point at the data in the file', async () => {
    await writeSafetensors(path, tensors)
    const { tensors: entries, dataOffset } = await readHeader(path)
    const { begin, end, ...rest } = entries.get('weight')!
    expect(rest).toEqual({ dtype: 'F32', shape: [2, 3] })
    const bytes = (await readFile(path)).subarray(dataOffset + begin, dataOffset + end)
    expect(new Float32Array(Uint8Array.from(bytes).buffer)).toEqual(tensors.weight.data)
  })

  it('reads no more than the header: weights of many gigabytes cost nothing', async () => {
    const gigabytes = 40 * 2 ** 30
    const header = `{"w":{"dtype":"U8","shape":[${gigabytes}],"data_offsets":[0,${gigabytes}]}}`
    const prefix = Buffer.alloc(8)
    prefix.writeBigUInt64LE(BigInt(header.length))
    await writeFile(path, Buffer.concat([prefix, Buffer.from(header)]))
    await truncate(path, 8 + header.length + gigabytes) // sparse: takes no space
    expect((await readHeader(path)).tensors.get('w')?.end).toBe(gigabytes)
  })

  it.each([
    ['readHeader', readHeader],
    ['readSafetensors', readSafetensors],
  ])('%s names the file when it is cut off, missing or a folder', async (_, read) => {
    await writeSafetensors(path, tensors)
    await truncate(path, (await stat(path)).size - 1)
    await expect(read(path)).rejects.toThrow(/model\.safetensors is truncated or wrong: tensor "weight"/)
    await truncate(path, 5)
    await expect(read(path)).rejects.toThrow(/model\.safetensors is 5 bytes long/)
    await expect(read(join(folder, 'absent'))).rejects.toThrow(/absent was not found; check the path/)
    await expect(read(folder)).rejects.toThrow(DarError)
  })

  it('leaves the old file in place when the new one cannot be made', async () => {
    await writeSafetensors(path, tensors)
    const wrong = { weight: { ...tensors.weight, shape: [7] } }
    await expect(writeSafetensors(path, wrong)).rejects.toThrow(/cannot store tensor "weight"/)
    expect((await readSafetensors(path)).tensors.size).toBe(2)
  })

  it('writes the same file tensor by tensor as at once, asking for one after another in its order', async () => {
    await writeSafetensors(path, tensors, { format: 'pt' })
    const asked: string[] = []
    const dataOf = async (name: string) => {
      asked.push(name)
      return tensors[name as keyof typeof tensors].data
    }
    const parts = join(folder, 'parts.safetensors')
    await writeSafetensorsInParts(parts, tensors, dataOf, { format: 'pt' })
    expect(await readFile(parts)).toEqual(await readFile(path))
    expect(asked).toEqual(['steps', 'weight'])
  })

  it('leaves nothing of a file whose parts fail half-way, and passes the reason on', async () => {
    const short = async (name: string) => (name === 'steps' ? tensors.steps.data : Float32Array.of(1))
    await expect(writeSafetensorsInParts(path, tensors, short)).rejects.toThrow(
      'cannot store tensor "weight": shape [2,3] does not go with 1 elements',
    )
    expect(await readdir(folder)).toEqual([])
  })

  it('reads the tensors of an open file one at a time, in any order', async () => {
    await writeSafetensors(path, tensors, { format: 'pt' })
    await using file = await openSafetensors(path)
    expect(file.header.metadata).toEqual({ format: 'pt' })
    expect((await file.read('weight')).toFloat32()).toEqual(tensors.weight.data)
    expect((await file.read('steps')).data).toEqual(tensors.steps.data)
    await expect(file.read('bias')).rejects.toThrow(/model\.safetensors has no tensor "bias"/)
    await truncate(path, (await stat(path)).size - 1)
    await expect(file.read('weight')).rejects.toThrow(/became shorter while it was read/)
  })
})
