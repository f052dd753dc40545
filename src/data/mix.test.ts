import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EpochOrder, slotAt } from './mix.ts'

const weightLists = fc.array(fc.double({ min: 0.05, max: 5, noNaN: true }), { minLength: 1, maxLength: 5 })

describe('slotAt', () => {
  it('numbers the positions of every source without gap or repetition', () => {
    fc.assert(
      fc.property(weightLists, (weights) => {
        const next = weights.map(() => 0)
        for (let t = 0; t < 200; t++) {
          const { source, ordinal } = slotAt(t, weights)
          if (ordinal !== next[source]++) throw new Error(`position ${t} is number ${ordinal} of source ${source}`)
        }
      }),
    )
  })

  it('gives every source its share at any time, to within a few positions', () => {
    fc.assert(
      fc.property(weightLists, fc.integer({ min: 1, max: 300 }), (weights, length) => {
        const total = weights.reduce((a, b) => a + b)
        const counts = weights.map(() => 0)
        for (let t = 0; t < length; t++) counts[slotAt(t, weights).source]++
        counts.forEach((count, i) => {
          expect(Math.abs(count - (length * weights[i]) / total)).toBeLessThanOrEqual(weights.length)
        })
      }),
    )
  })

  it('alternates two sources of equal weight', () => {
    const sources = Array.from({ length: 6 }, (_, t) => slotAt(t, [1, 1]).source)
    expect(sources).toEqual([1, 0, 1, 0, 1, 0])
  })
})

describe('EpochOrder', () => {
  it('visits every frame once per epoch, each epoch in another order', () => {
    const order = new EpochOrder(20, 3)
    const epochs = [0, 1, 2].map((epoch) => Array.from({ length: 20 }, (_, i) => order.at(20 * epoch + i)))
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(epochs[0]).not.toEqual(epochs[1])
    expect(epochs[1]).not.toEqual(epochs[2])
  })

  it('does not depend on what was asked before, and does depend on the seed', () => {
    const forwards = new EpochOrder(7, 5)
    const all = Array.from({ length: 21 }, (_, i) => forwards.at(i))
    const backwards = new EpochOrder(7, 5)
    for (let i = 20; i >= 0; i--) expect(backwards.at(i)).toBe(all[i])
    const other = new EpochOrder(7, 6)
    expect(Array.from({ length: 21 }, (_, i) => other.at(i))).not.toEqual(all)
  })
})
