import { describe, expect, it } from 'vitest'
import { RunningMean } from './running-mean.ts'

describe('RunningMean', () => {
  it('is the mean of a short run, whatever the first loss was', () => {
    const mean = new RunningMean()
    expect(mean.value).toBeNull()
    expect([20, 10, 6].map((loss) => mean.add(loss))).toEqual([20, 15, 12])
    expect(mean.value).toBe(12)
  })

  it('forgets what is long past', () => {
    const mean = new RunningMean()
    for (let i = 0; i < 50; i++) mean.add(20)
    expect(mean.add(10)).toBeCloseTo(20 - 10 / 50, 9)
    for (let i = 0; i < 500; i++) mean.add(10)
    expect(mean.value).toBeCloseTo(10, 2)
  })
})
