import { expect, test } from 'vitest'
import { Gate } from './gate.ts'

test('no more than so many are inside, they come in their order, and a failure makes room too', async () => {
  const gate = new Gate(2)
  const order: number[] = []
  let inside = 0
  let most = 0
  const work = (i: number) => async () => {
    order.push(i)
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setTimeout(resolve, 2))
    inside--
    if (i % 3 === 0) throw new Error(`${i} failed`)
    return i
  }
  const results = await Promise.allSettled(Array.from({ length: 9 }, (_, i) => gate.pass(work(i))))
  expect(most).toBe(2)
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => i % 3 !== 0),
  )
  expect(await gate.pass(async () => 'free again')).toBe('free again')
})
