import { describe, expect, it } from 'vitest'
import { Feed, type FeedOptions } from './feed.ts'

const later = (turns: number) =>
  Array.from({ length: turns }).reduce<Promise<void>>((before) => before.then(() => {}), Promise.resolve())

async function collected(
  items: Iterable<number> | AsyncIterable<number>,
  work: (item: number) => Promise<string>,
  { slots = 3, order = 'done', window = 6, signal }: Partial<FeedOptions> & { readonly slots?: number } = {},
): Promise<string[]> {
  const feed = new Feed<number, string>(items, { order, window, signal })
  const results: string[] = []
  const serving = Array.from({ length: slots }, () => feed.serve(work))
  for await (const result of feed.results(serving)) results.push(result)
  return results
}

const numbers = Array.from({ length: 20 }, (_, i) => i)

describe('a feed', () => {
  it('gives results in the order of the items, however long each takes', async () => {
    const work = async (item: number) => {
      await later((item * 7) % 11)
      return `${item}`
    }
    expect(await collected(numbers, work, { order: 'given' })).toEqual(numbers.map(String))
    expect((await collected(numbers, work)).sort()).toEqual(numbers.map(String).sort())
  })

  it('gives a result as soon as it is there, unless the order is asked for', async () => {
    let finishFirst = () => {}
    const first = new Promise<void>((resolve) => {
      finishFirst = resolve
    })
    const feed = new Feed<number, number>([0, 1], { order: 'done', window: 9 })
    const work = async (item: number) => {
      if (item === 0) await first
      return item
    }
    const results = feed.results([feed.serve(work), feed.serve(work)])
    expect((await results.next()).value).toBe(1)
    finishFirst()
    expect((await results.next()).value).toBe(0)
    expect((await results.next()).done).toBe(true)
  })

  it('begins no more items than the window ahead of the results that were taken', async () => {
    let begun = 0
    const feed = new Feed<number, number>(numbers, { order: 'done', window: 4 })
    const work = async (item: number) => {
      begun++
      return item
    }
    const results = feed.results([feed.serve(work), feed.serve(work)])
    await later(100)
    expect(begun).toBe(4)
    await results.next()
    await later(100)
    expect(begun).toBe(5)
    for await (const _ of results) {
      // the rest
    }
    expect(begun).toBe(numbers.length)
  })

  it('finishes what is at hand when it is stopped, and begins no more', async () => {
    const stop = new AbortController()
    const begun: number[] = []
    const work = async (item: number) => {
      begun.push(item)
      if (item === 4) stop.abort()
      await later(5)
      return `${item}`
    }
    const results = await collected(numbers, work, { signal: stop.signal })
    expect(results.map(Number).sort((a, b) => a - b)).toEqual(begun)
    expect(begun.length).toBeLessThan(9)
  })

  it('throws what the work throws, after what was at hand', async () => {
    const seen: number[] = []
    const work = async (item: number) => {
      if (item === 3) throw new Error('no room')
      await later(3)
      seen.push(item)
      return `${item}`
    }
    await expect(collected(numbers, work)).rejects.toThrow('no room')
    expect(seen.length).toBeLessThan(8)
  })

  it('takes lists that come bit by bit, and throws what they throw', async () => {
    async function* list() {
      yield 1
      await later(9)
      yield 2
      throw new Error('the list broke off')
    }
    await expect(collected(list(), async (item) => `${item}`)).rejects.toThrow('the list broke off')
    expect(await collected([], async () => '')).toEqual([])
  })
})
