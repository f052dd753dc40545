import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { parseSafetensors, serialiseSafetensors } from '../safetensors/index.ts'
import { DarError } from '../support/errors.ts'
import { checkSafetensors, openSafetensors, readHeader, readSafetensors, writeSafetensors } from './safetensors-file.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await temporaryFolder()
  path = join(folder, 'model.safetensors')
})

const TENSORS = {
  weight: { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  bias: { dtype: 'F16', shape: [3], data: Uint16Array.of(1, 2, 3) },
  nothing: { dtype: 'F32', shape: [0], data: new Float32Array(0) },
} as const
const METADATA = { config: '{"dMax":10,"name":"é\\u0001"}', step: '12' }

/** What the three ways of reading a file say of it. */
const READERS = {
  whole: (file: string) => readSafetensors(file),
  inParts: async (file: string) => {
    await using opened = await openSafetensors(file)
    return opened
  },
  mapped: async (file: string) => checkSafetensors(file, await readHeader(file)),
}

describe('the checksum of a weights file', () => {
  it('is written and compared, and the metadata are the caller’s', async () => {
    await writeSafetensors(path, TENSORS, METADATA)
    const file = await readSafetensors(path)
    expect(file.checked).toBe(true)
    expect(file.metadata).toEqual(METADATA)
    expect(await READERS.mapped(path)).toBe(true)
  })

  it.each(Object.keys(READERS) as (keyof typeof READERS)[])(
    'shows every flipped bit to a reader %s',
    async (reader) => {
      await writeSafetensors(path, TENSORS, METADATA)
      const bytes = await readFile(path)
      const unnoticed: number[] = []
      for (let bit = 0; bit < 8 * bytes.length; bit += 7) {
        const flipped = Uint8Array.from(bytes)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        await writeFile(path, flipped)
        const error: unknown = await READERS[reader](path).catch((thrown: unknown) => thrown)
        if (!(error instanceof DarError)) unnoticed.push(bit)
      }
      expect(unnoticed.map((bit) => String.fromCharCode(bytes[bit >> 3]))).toEqual([])
    },
  )

  it('does not change when another program writes the same content with another header', async () => {
    await writeSafetensors(path, TENSORS, METADATA)
    const bytes = await readFile(path)
    const { metadata, tensors } = parseSafetensors(bytes, path)
    expect(Object.keys(metadata)).toEqual(['config', 'dar_checksum', 'dar_checksum_of', 'step'])
    const header = bytes.subarray(8, 8 + bytes.readUInt32LE(0)).toString()
    const spaced = JSON.stringify(JSON.parse(header), null, 1)
    const prefix = Buffer.alloc(8)
    prefix.writeBigUInt64LE(BigInt(Buffer.byteLength(spaced)))
    const data = bytes.subarray(8 + Buffer.byteLength(header))
    await writeFile(path, Buffer.concat([prefix, Buffer.from(spaced), data]))
    expect((await readSafetensors(path)).checked).toBe(true)
    expect(tensors.size).toBe(3)
  })

  it('may be absent: older files and those of other programs are read, and that is said', async () => {
    await writeFile(path, serialiseSafetensors(TENSORS, METADATA))
    expect((await readSafetensors(path)).checked).toBe(false)
    expect(await READERS.mapped(path)).toBe(false)
  })

  it('may not be half there', async () => {
    await writeFile(path, serialiseSafetensors(TENSORS, { ...METADATA, dar_checksum: '0'.repeat(64) }))
    await expect(readSafetensors(path)).rejects.toThrow(`${path} is damaged`)
  })

  it('is made anew when the metadata of another file are passed on', async () => {
    await writeSafetensors(path, TENSORS, METADATA)
    const { metadata } = await readHeader(path)
    await writeSafetensors(path, { bias: TENSORS.bias }, metadata)
    expect((await readSafetensors(path)).checked).toBe(true)
  })
})

it.each(['dar-nano', 'dar-nano-1'])('the model %s in the package has a checksum', async (name) => {
  const { pathname } = new URL(`../../models/${name}/model.safetensors`, import.meta.url)
  expect((await readSafetensors(pathname)).checked).toBe(true)
})
