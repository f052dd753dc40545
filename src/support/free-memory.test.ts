import { describe, expect, it } from 'vitest'
import { findTrim, memoryKeeper } from './free-memory.ts'

const trim = await findTrim()

describe('memoryKeeper', () => {
  it('gives memory back after every so many items', async () => {
    const pads: number[] = []
    const keep = await memoryKeeper({ every: 3, find: async () => (pad) => pads.push(pad) })
    for (let i = 0; i < 8; i++) keep()
    expect(pads).toEqual([0, 0])
  })

  it('does nothing where the C library has no such function', async () => {
    const keep = await memoryKeeper({ every: 1, find: async () => null })
    expect(() => keep()).not.toThrow()
  })

  it.skipIf(trim === null)('finds glibc’s function, which says whether it gave anything back', () => {
    expect([0, 1]).toContain(trim?.(0))
  })
})
