import { describe, expect, it } from 'vitest'
import { onOneLine, shortened, withoutTrailingSlashes } from './text.ts'

/** Where time grows with the square of the length, this takes hours. */
const LONG = 4_000_000

describe('onOneLine', () => {
  it('joins lines with one blank', () => {
    expect(onOneLine('a \n  b')).toBe('a b')
    expect(onOneLine('a\r\n \n\n b\n')).toBe('a b ')
    expect(onOneLine('  as it is  ')).toBe('  as it is  ')
  })
  it('ends on long blanks', () => {
    expect(onOneLine(`a${' '.repeat(LONG)}b`)).toHaveLength(LONG + 2)
    expect(onOneLine(`a${' \n'.repeat(LONG)}b`)).toBe('a b')
  })
})

describe('withoutTrailingSlashes', () => {
  it('takes those at the end only', () => {
    expect(withoutTrailingSlashes('/a/b//')).toBe('/a/b')
    expect(withoutTrailingSlashes('///')).toBe('')
  })
  it('ends on long rows', () => {
    expect(withoutTrailingSlashes(`${'/'.repeat(LONG)}a`)).toHaveLength(LONG + 1)
  })
})

describe('shortened', () => {
  it('cuts', () => {
    expect(shortened('abc', 3)).toBe('abc')
    expect(shortened('abcd', 3)).toBe('abc…')
  })
})
