/** Memory that is given back, and memory that is not ours to give. */
import { expect, it } from 'vitest'
import { freeMemory } from './free-memory.ts'

it('frees an array, however often it is told to', () => {
  const bytes = new Uint8Array(100_000)
  freeMemory(bytes)
  expect(bytes.length).toBe(0)
  freeMemory(bytes)
})

it('leaves parts of an array, memory that threads share, and small arrays', () => {
  const whole = new Uint8Array(100_000)
  const shared = new Uint8Array(new SharedArrayBuffer(100_000))
  const pooled = Buffer.from('text')
  const small = new Uint8Array(10)
  for (const bytes of [whole.subarray(1), shared, pooled, small]) freeMemory(bytes)
  expect([whole.length, shared.length, pooled.toString(), small.length]).toEqual([100_000, 100_000, 'text', 10])
})
