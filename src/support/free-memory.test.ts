import { describe, expect, it } from 'vitest'
import { type Allocator, findAllocator, MALLOPT, memoryKeeper } from './free-memory.ts'

const allocator = await findAllocator()

/** Notes what it is asked for. */
function noting() {
  const calls: (readonly number[])[] = []
  const note = (...values: number[]) => calls.push(values)
  const find = async (): Promise<Allocator> => ({ trim: note, set: note })
  return { calls, find }
}

describe('memoryKeeper', () => {
  it.each([
    { cores: 1, arenas: 2 },
    { cores: 8, arenas: 2 },
    { cores: 16, arenas: 4 },
  ])(
    'on $cores cores has threads share $arenas arenas, and fixes the size of large arrays',
    async ({ cores, arenas }) => {
      const { calls, find } = noting()
      await memoryKeeper({ cores, find })
      expect(calls).toEqual([
        [MALLOPT.arenaMax, arenas],
        [MALLOPT.mmapThreshold, 262_144],
      ])
    },
  )

  it('gives memory back after every so many items', async () => {
    const { calls, find } = noting()
    const keep = await memoryKeeper({ every: 3, find })
    calls.splice(0)
    for (let i = 0; i < 8; i++) keep()
    expect(calls).toEqual([[0], [0]])
  })

  it('does nothing where the C library has no such function', async () => {
    const keep = await memoryKeeper({ every: 1, find: async () => null })
    expect(() => keep()).not.toThrow()
  })

  it.skipIf(allocator === null)('finds glibc’s functions, which say whether they did anything', () => {
    expect([0, 1]).toContain(allocator?.trim(0))
    expect(allocator?.set(MALLOPT.arenaMax, 64)).toBe(1)
  })
})
