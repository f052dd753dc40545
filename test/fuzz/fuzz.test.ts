import { describe, expect, it } from 'vitest'
import { fuzz } from './run.ts'
import { TARGETS } from './targets.ts'

describe('mutated files', () => {
  it.each(Object.keys(TARGETS))(
    'are read or refused: %s',
    async (target) => {
      const { inputs, failure } = await fuzz(target, { seconds: 1, seed: 7 })
      expect(failure).toBeNull()
      expect(inputs).toBeGreaterThanOrEqual(20)
    },
    300_000,
  )
})
