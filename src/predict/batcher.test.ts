import { expect, it } from 'vitest'
import { Batcher } from './batcher.ts'

/** Doubles numbers, and remembers what came together. */
function doubler(size: number) {
  const seen: [string, readonly number[]][] = []
  const batcher = new Batcher<number, number>(size, async (lane, jobs) => {
    seen.push([lane, jobs])
    await new Promise((done) => setTimeout(done, 5))
    if (jobs.includes(13)) throw new Error('unlucky')
    return jobs.map((job) => 2 * job)
  })
  return { batcher, seen }
}

it('takes the first alone, then full batches, then the rest one by one, and answers each its own', async () => {
  const { batcher, seen } = doubler(3)
  const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9].map((job) => batcher.do('a', job)))
  expect(answers).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18])
  expect(seen.map(([, jobs]) => jobs)).toEqual([[1], [2, 3, 4], [5, 6, 7], [8], [9]])
})

it('keeps lanes apart', async () => {
  const { batcher, seen } = doubler(2)
  await Promise.all([
    batcher.do('a', 1),
    batcher.do('b', 2),
    batcher.do('a', 3),
    batcher.do('b', 4),
    batcher.do('a', 5),
  ])
  expect(seen).toEqual([
    ['a', [1]],
    ['b', [2]],
    ['a', [3, 5]],
    ['b', [4]],
  ])
})

it('fails those that were worked on together, and goes on with the others', async () => {
  const { batcher } = doubler(2)
  const answers = await Promise.allSettled([1, 13, 3, 4, 5].map((job) => batcher.do('a', job)))
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled'])
})

it('of size 1 makes nobody wait', async () => {
  const { batcher, seen } = doubler(1)
  const both = Promise.all([batcher.do('a', 1), batcher.do('a', 2)])
  expect(seen).toHaveLength(2)
  expect(await both).toEqual([2, 4])
})
