import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { fuzz } from './run.ts'
import { TARGETS } from './targets.ts'

// CI gives each target 20 s: .ci/run.
it('mutated files are read or refused in one line, in bounded time and memory', async () => {
  const targets = Object.keys(TARGETS)
  const { inputs, failure } = await fuzz(targets, { seconds: 0.3, seed: 7 })
  expect(failure).toBeNull()
  for (const target of targets) expect(inputs[target], target).toBeGreaterThanOrEqual(20)
}, 300_000)

it.runIf(existsSync('/proc/self/status'))('a process that takes too much memory is ended and named', async () => {
  const { failure } = await fuzz(['npy'], { seconds: 60, seed: 7, megabytes: 16 })
  expect(failure?.what).toMatch(/^npy, after input \d+: one took more than 16 MB of memory$/)
})
