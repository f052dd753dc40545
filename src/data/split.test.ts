import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { type Split, splitBlocks, splitByPrefix, splitNames, splitTail } from './split.ts'

const sequence = (n: number) => Array.from({ length: n }, (_, i) => String(i).padStart(5, '0'))
/** Smallest distance in the sequence between a frame of one side and a frame of the other. */
const distance = ({ train, test }: Split) =>
  Math.min(...train.flatMap((a) => test.map((b) => Math.abs(Number(a) - Number(b)))))

const lengths = fc.integer({ min: 30, max: 200 })
const gaps = fc.integer({ min: 0, max: 3 })

describe('splitByPrefix', () => {
  const names = ['20200602b', '20200601a', '20200601b', '20200602a', '20200603a']

  it('holds out all frames of a day, sorted', () => {
    expect(splitByPrefix(names, { heldOut: ['20200601', '20200603'] })).toEqual({
      train: ['20200602a', '20200602b'],
      test: ['20200601a', '20200601b', '20200603a'],
    })
  })

  it('refuses a day that no frame was taken on, and holding out everything', () => {
    expect(() => splitByPrefix(names, { heldOut: ['20200604'] })).toThrow(/"20200604"/)
    expect(() => splitByPrefix(names, { heldOut: ['2020'] })).toThrow(/no frame to train/)
  })
})

describe('splitTail', () => {
  it('holds out the end and drops the gap from the training side', () => {
    const { train, test } = splitTail(sequence(20), { fraction: 0.25, gap: 3 })
    expect(test).toEqual(sequence(20).slice(15))
    expect(train).toEqual(sequence(20).slice(0, 12))
  })

  it('keeps the sides further apart than the gap, whatever the length and the order of the names', () => {
    fc.assert(
      fc.property(lengths, gaps, fc.double({ min: 0.1, max: 0.6, noNaN: true }), (n, gap, fraction) => {
        const split = splitTail(sequence(n).reverse(), { fraction, gap })
        expect(distance(split)).toBe(gap + 1)
        expect(split.test.length).toBe(Math.round(fraction * n))
        expect(split.train.length + split.test.length + gap).toBe(n)
      }),
    )
  })
})

describe('splitBlocks', () => {
  it('holds out a block in the middle of each piece', () => {
    const { train, test } = splitBlocks(sequence(20), { blocks: 2, fraction: 0.2, gap: 1 })
    expect(test).toEqual(['00004', '00005', '00014', '00015'])
    expect(train).toEqual(sequence(20).filter((_, i) => ![3, 4, 5, 6, 13, 14, 15, 16].includes(i)))
  })

  it('keeps the sides further apart than the gap and holds out about the share asked for', () => {
    fc.assert(
      fc.property(lengths, gaps, fc.integer({ min: 1, max: 3 }), (n, gap, blocks) => {
        const split = splitBlocks(sequence(n), { blocks, fraction: 0.3, gap })
        expect(distance(split)).toBe(gap + 1)
        expect(Math.abs(split.test.length - 0.3 * n)).toBeLessThanOrEqual(blocks)
      }),
    )
  })
})

it('splitNames follows the rule it is given', () => {
  const names = sequence(30)
  expect(splitNames(names, { kind: 'tail', fraction: 0.1 })).toEqual(splitTail(names, { fraction: 0.1 }))
  expect(splitNames(names, { kind: 'blocks', blocks: 3 })).toEqual(splitBlocks(names, { blocks: 3 }))
  expect(splitNames(names, { kind: 'prefix', heldOut: ['0001'] }).test).toHaveLength(10)
})

it('refuses shares outside (0, 1) and sequences too short to split', () => {
  for (const fraction of [0, 1, -0.2, Number.NaN]) expect(() => splitTail(sequence(9), { fraction })).toThrow(DarError)
  expect(() => splitTail(sequence(3), { fraction: 0.5, gap: 9 })).toThrow(/no frame to train/)
})

it('more blocks than a sequence can have are refused before anything is made of them', () => {
  const names = Array.from({ length: 20 }, (_, i) => `${i}`)
  expect(() => splitNames(names, { kind: 'blocks', blocks: 21e9 })).toThrow(
    'cannot hold out 21000000000 blocks; give a whole number from 1 to 1000',
  )
})
