/** What a plan says of a run's memory is above what a real run takes, loaders and validation included. */
import { existsSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { runMemory } from '../bench/run-memory.ts'

vi.setConfig({ testTimeout: 600_000 })

it.skipIf(!existsSync('/proc/self/status'))(
  'of tiny is within its plan, and the plan not out of all proportion',
  async () => {
    const { planned, measured } = await runMemory('tiny', { updates: 4 })
    expect(measured).toBeLessThan(planned)
    expect(measured).toBeGreaterThan(planned / 4)
  },
)
