import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { above0, atLeast0, whole31Bits, wholeAbove0, wholeAtLeast0 } from './flag-values.ts'

describe('the number of a flag', () => {
  it.each([
    ['above0', above0, ['0.5', '1e3'], ['0', '-1', 'Infinity']],
    ['atLeast0', atLeast0, ['0', '2.5'], ['-0.1', '-Infinity']],
    ['wholeAbove0', wholeAbove0, ['1', '4096'], ['0', '1.5', '-2']],
    ['wholeAtLeast0', wholeAtLeast0, ['0', '7'], ['-1', '0.5', '1e300']],
    ['whole31Bits', whole31Bits, ['0', '-5', '2147483647'], ['2147483648', '0.5']],
  ] as const)('%s takes what it says and refuses the rest, with what was given', (_, read, right, wrong) => {
    for (const text of right) expect(read('--n', text)).toBe(Number(text))
    for (const text of [...wrong, '', ' ', 'many', 'NaN', '3px']) {
      expect(() => read('--n', text)).toThrow(DarError)
      expect(() => read('--n', text)).toThrow(`--n ${text}: give a`)
    }
  })

  it('is undefined for a flag that was not given', () => {
    expect(above0('--n', undefined)).toBeUndefined()
  })
})
