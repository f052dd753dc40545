import { expect, it } from 'vitest'
import { summarise } from './summary.ts'

it('gives the least, the middle and the largest depth', () => {
  expect(summarise(Float32Array.of(3, 1, 2, 8, 5))).toEqual({ min: 1, median: 3, max: 8 })
})

it('finds the extremes of a large map exactly and its median closely', () => {
  const ramp = new Float32Array(1_000_000)
  for (let i = 0; i < ramp.length; i++) ramp[i] = 1 + i / ramp.length
  ramp[777_777] = 0.5
  const { min, median, max } = summarise(ramp)
  expect([min, max]).toEqual([0.5, ramp[999_999]])
  expect(median).toBeCloseTo(1.5, 4)
})
