import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeLogDepthPng, mogeDataset } from './moge.ts'
import { pngText } from './png-text.ts'
import { metresAt, photoPng, put, storedPng, temporaryFolder } from './testing.ts'

const folder = temporaryFolder()
const size = { width: 8, height: 4 }

/** The PNG with text chunks after its header, as Pillow writes them. */
function withText(png: Uint8Array, texts: Record<string, string>, { packed = false } = {}): Uint8Array {
  const chunks = Object.entries(texts).map(([key, value]) => {
    const text = Buffer.from(value, 'latin1')
    const body = packed
      ? Buffer.concat([Buffer.from(`${key}\0\0`), deflateSync(text)])
      : Buffer.from(`${key}\0${value}`, 'latin1')
    const type = packed ? 'zTXt' : 'tEXt'
    const head = Buffer.alloc(4)
    head.writeUInt32BE(body.length)
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(Buffer.concat([Buffer.from(type), body])) >>> 0)
    return Buffer.concat([head, Buffer.from(type), body, sum])
  })
  const header = 8 + 25 // signature, IHDR
  return new Uint8Array(Buffer.concat([png.subarray(0, header), ...chunks, png.subarray(header)]))
}
/** CRC-32 of the PNG specification, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc
}

const STORED = [0, 1, 32768, 65534, 65535, 1, 1, 1]
const logDepth = async (texts: Record<string, string> = { near: '0.5', far: '50' }) =>
  withText(await storedPng(size, (x) => STORED[x]), texts)

describe('decodeLogDepthPng', () => {
  it('spreads 1 … 65534 over near … far logarithmically; 0 and 65535 are no measurement', async () => {
    const depth = await decodeLogDepthPng(await logDepth())
    const at = (x: number) => metresAt({ depth }, x, 0)
    expect(at(0)).toBe(0)
    expect(at(1)).toBe(0.5)
    expect(at(2)).toBeCloseTo(5, 3)
    expect(at(3)).toBe(50)
    expect(at(4)).toBe(0)
  })

  it('multiplies by the unit, and reads compressed text', async () => {
    const png = await withText(await storedPng(size, () => 1), { near: '2', far: '4', unit: '10' }, { packed: true })
    expect(metresAt({ depth: await decodeLogDepthPng(png) }, 0, 0)).toBe(20)
  })

  it.each([
    ['without near and far', {}],
    ['with near beyond far', { near: '5', far: '1' }],
    ['with nonsense', { near: 'x', far: '1' }],
    ['with a far end that no number of metres is', { near: '1', far: '1e300' }],
    ['with a far end at infinity', { near: '1', far: 'Infinity' }],
    ['with a near end at nothing', { near: '1e-320', far: '1' }],
    ['with a unit that makes it infinite', { near: '1', far: '10', unit: 'Infinity' }],
    ['with a unit that makes it too far', { near: '1', far: '10', unit: '1e30' }],
  ])('refuses a PNG %s', async (_, texts) => {
    await expect(decodeLogDepthPng(await logDepth(texts as Record<string, string>), { name: 'd.png' })).rejects.toThrow(
      /d\.png does not state near and far/,
    )
  })

  it('finds no text in what is no PNG, or in one cut off', async () => {
    expect(pngText(new Uint8Array(5)).size).toBe(0)
    expect(pngText((await logDepth()).subarray(0, 40)).size).toBe(0)
  })
})

describe('mogeDataset', () => {
  async function addFrame(frame: string, { depth = true } = {}) {
    await put(join(folder.path, frame, 'image.jpg'), await photoPng(size))
    if (depth) await put(join(folder.path, frame, 'depth.png'), await logDepth())
    const intrinsics = [
      [0.5, 0, 0.5],
      [0, 1, 0.25],
      [0, 0, 1],
    ]
    await put(join(folder.path, frame, 'meta.json'), JSON.stringify({ intrinsics, other: 1 }))
  }

  it('reads one folder a frame, with the camera in pixels', async () => {
    await addFrame('scene/one')
    const dataset = await mogeDataset(folder.path)
    expect(dataset.names).toEqual(['scene/one'])
    const frame = await dataset.get(0)
    expect(metresAt(frame, 1, 0)).toBe(0.5)
    // The middle of 8 pixels lies between pixels 3 and 4.
    expect(frame.intrinsics).toEqual({ fx: 4, fy: 4, cx: 3.5, cy: 0.5 })
  })

  it('obeys .index.txt or another list, in its order', async () => {
    for (const frame of ['a', 'b', 'c']) await addFrame(frame)
    await put(join(folder.path, '.index.txt'), 'c\na/\n\n')
    expect((await mogeDataset(folder.path)).names).toEqual(['c', 'a'])
    const list = await put(join(folder.path, '.val.txt'), 'b\n')
    expect((await mogeDataset(folder.path, { list })).names).toEqual(['b'])
    await put(list, '../b\n')
    await expect(mogeDataset(folder.path, { list })).rejects.toThrow(/leaves/)
    await put(list, 'nowhere\n')
    await expect((await mogeDataset(folder.path, { list })).get(0)).rejects.toThrow(/nowhere/)
  })

  it('names a folder without depth, and a root without frames', async () => {
    await expect(mogeDataset(folder.path)).rejects.toThrow(/no folder with image\.jpg and depth\.png/)
    await addFrame('a')
    await addFrame('b', { depth: false })
    await expect(mogeDataset(folder.path)).rejects.toThrow(/1 of 2 folders have no depth\.png, first .*b/)
    expect((await mogeDataset(folder.path, { incomplete: 'note' })).names).toEqual(['a'])
  })
})
