import { describe, expect, it } from 'vitest'
import { copyInTurns } from './pixels.ts'

describe('copyInTurns', () => {
  it.each([0, 5, 2 ** 21, 2 ** 21 + 1, 5_000_003])('copies %d bytes into memory of their own', async (length) => {
    const source = new Uint8Array(length + 8).subarray(8)
    for (let i = 0; i < length; i++) source[i] = (i * 31) % 251
    const copy = await copyInTurns(source)
    expect(copy.buffer).not.toBe(source.buffer)
    expect(copy.buffer.byteLength).toBe(length)
    expect(Buffer.compare(copy, source)).toBe(0)
  })

  it('lets others have a turn in between', async () => {
    let turns = 0
    const immediate = () => {
      turns++
      handle = setImmediate(immediate)
    }
    let handle = setImmediate(immediate)
    await copyInTurns(new Uint8Array(10 * 2 ** 21))
    clearImmediate(handle)
    expect(turns).toBeGreaterThanOrEqual(5)
  })
})
