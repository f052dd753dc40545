import { describe, expect, it } from 'vitest'
import { parseRate, readRate, shownRate } from './rate.ts'

describe('rates', () => {
  it.each([
    ['25', { frames: 25, seconds: 1 }],
    ['30000/1001', { frames: 30000, seconds: 1001 }],
    ['29.97', { frames: 30000, seconds: 1001 }],
    ['23.976', { frames: 24000, seconds: 1001 }],
    ['12.5', { frames: 12500, seconds: 1000 }],
  ])('reads %s', (text, rate) => {
    expect(readRate(text)).toEqual(rate)
  })

  it.each(['0', '0/0', '-5', '90000', 'fast', '', '25/0', '1e3'])('does not read %s', (text) => {
    expect(readRate(text)).toBeNull()
    expect(() => parseRate(text)).toThrow(/--fps .*give frames a second/)
  })

  it('shows them as people say them', () => {
    expect(shownRate({ frames: 30000, seconds: 1001 })).toBe('29.97')
    expect(shownRate({ frames: 24, seconds: 1 })).toBe('24')
  })
})
