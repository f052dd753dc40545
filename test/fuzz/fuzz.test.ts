import { expect, it } from 'vitest'
import { fuzz } from './run.ts'
import { TARGETS } from './targets.ts'

it('mutated files are read or refused in one line, in bounded time and memory', async () => {
  const targets = Object.keys(TARGETS)
  const { inputs, failure } = await fuzz(targets, { seconds: 1, seed: 7 })
  expect(failure).toBeNull()
  for (const target of targets) expect(inputs[target], target).toBeGreaterThanOrEqual(20)
}, 300_000)
