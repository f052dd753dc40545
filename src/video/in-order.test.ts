import { describe, expect, it } from 'vitest'
import { inOrder } from './in-order.ts'

/** Counts what the source gave and what the consumer has had. */
function counted(frames: number) {
  const counts = { given: 0, had: 0, most: 0, returned: false }
  async function* source() {
    try {
      for (let i = 0; i < frames; i++) {
        counts.given++
        counts.most = Math.max(counts.most, counts.given - counts.had)
        yield i
      }
    } finally {
      counts.returned = true
    }
  }
  return { counts, source: source() }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('work in order', () => {
  it('never has more items under way than it may, over 500 of them and a slow consumer', async () => {
    const { counts, source } = counted(500)
    const results: number[] = []
    const work = async (i: number) => {
      await turn()
      return 2 * i
    }
    for await (const result of inOrder(source, work, { most: 2 })) {
      if (counts.had % 50 === 0) await turn()
      results.push(result)
      counts.had++
    }
    expect(results).toEqual(Array.from({ length: 500 }, (_, i) => 2 * i))
    expect(counts.most).toBe(2)
  })

  it('overlaps work: the second begins before the first has ended', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const work = async (i: number) => {
      if (i === 1) release() // the first waits for the second to begin
      await gate
      return i
    }
    const results: number[] = []
    for await (const result of inOrder(counted(2).source, work, { most: 2 })) results.push(result)
    expect(results).toEqual([0, 1])
  })

  it('throws the error of an item in its turn, after the results before it', async () => {
    const results: number[] = []
    const work = async (i: number) => {
      if (i === 3) throw new Error('the fourth')
      return i
    }
    const all = async () => {
      for await (const result of inOrder(counted(10).source, work, { most: 3 })) results.push(result)
    }
    await expect(all()).rejects.toThrow('the fourth')
    expect(results).toEqual([0, 1, 2])
  })

  it('ends the source when the consumer leaves early', async () => {
    const { counts, source } = counted(10)
    for await (const result of inOrder(source, async (i) => i, { most: 2 })) if (result === 2) break
    expect(counts).toMatchObject({ given: 4, returned: true })
  })
})
