import { expect, test } from 'vitest'
import { LossScale } from './loss-scale.ts'

test('halves after a gradient that is not finite, doubles after a thousand that are, and ends at 1', () => {
  const scale = new LossScale({ scale: 4, good: 998 })
  scale.succeed()
  expect(scale.state).toEqual({ scale: 4, good: 999 })
  scale.succeed()
  expect(scale.state).toEqual({ scale: 8, good: 0 })
  scale.succeed()
  expect([scale.halve(), scale.state]).toEqual([true, { scale: 4, good: 0 }])
  expect([scale.halve(), scale.halve(), scale.halve(), scale.value]).toEqual([true, true, false, 1])
})
