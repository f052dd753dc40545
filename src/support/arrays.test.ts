import { expect, it } from 'vitest'
import { concatenated } from './arrays.ts'

it('joins parts of any length, stretches of larger arrays among them, in memory of their own', () => {
  const source = Float32Array.of(1, 2, 3, 4)
  const joined = concatenated([source.subarray(1, 3), new Float32Array(0), Float32Array.of(9)])
  expect(joined).toEqual(Float32Array.of(2, 3, 9))
  joined[0] = 7
  expect(source[1]).toBe(2)
  expect(concatenated([])).toEqual(new Float32Array(0))
})
