import { expect, it } from 'vitest'
import { nearestName } from './nearest.ts'

it.each([
  ['rat', 'rate'],
  ['warmpu', 'warmup'],
  ['RATE', 'rate'],
  ['weight-decay', 'weightDecay'],
  ['xyzzy', null],
  ['momentum', null],
])('takes %s for %s', (written, meant) => {
  expect(nearestName(written, ['rate', 'warmup', 'weightDecay'])).toBe(meant)
})
