import { describe, expect, it } from 'vitest'
import { DarError } from './errors.ts'
import { cut, printable, printableName, redacted } from './printable.ts'

describe('text from outside', () => {
  it('has no control characters, and keeps what people write', () => {
    expect(printable('a\x1b[31m\x07\x9b2J\u202egpj.exe')).toBe('a\\x1b[31m\\x07\\x9b2J\\u202egpj.exe')
    expect(printable('küche 厨房 🍵 4×3\nsecond')).toBe('küche 厨房 🍵 4×3\nsecond')
    expect(printableName('a\nb\tc\rd')).toBe('a\\nb\\tc\\x0dd')
  })

  it('is cut in the middle, where it is long', () => {
    expect(cut('short')).toBe('short')
    const text = cut(`${'x'.repeat(100_000)}; copy it again`)
    expect(text.length).toBeLessThan(2100)
    expect(text).toMatch(/^xxx.* characters left out\) … x+; copy it again$/)
  })

  it('shows no secret', () => {
    expect(redacted('at https://me:pa55@host/x and http://tok@h', {})).toBe(
      'at https://[secret]@host/x and http://[secret]@h',
    )
    expect(redacted('"Bearer abc.def" of hf_abcdefghijkl: s3cret', { secrets: ['s3cret', undefined] })).toBe(
      '"Bearer [secret]" of [secret]: [secret]',
    )
    expect(redacted('mail a@b.c at https://host/a@b')).toBe('mail a@b.c at https://host/a@b')
  })

  it('comes into the message of every mistake in that form', () => {
    const { message } = new DarError(`a\x1b[2J.jpg ${'y'.repeat(1e6)} was not found; check the path`)
    expect(message).toContain('a\\x1b[2J.jpg')
    expect(message.length).toBeLessThan(2100)
    expect(message.endsWith('; check the path')).toBe(true)
  })
})
