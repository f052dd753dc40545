import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { engineErrorOf } from './engine-error.ts'

describe('an engine error', () => {
  it.each([
    ['the engine was disposed', 'gone', 'dispose it and make another'],
    ['the thread of the engine ended: exit code 1', 'gone', 'dispose it and make another'],
    ['Failed to allocate memory for requested buffer of size 4294967296', 'memory', 'Use a smaller batch'],
    ['x takes float32[2], got 3 values', 'engine', 'right type and length'],
    ['Could not find an implementation for Erf(9)', 'engine', 'no kernel'],
    ['something else', 'engine', 'report it'],
  ])('for "%s" is a DarError of the kind %s that says what to do', (reason, kind, advice) => {
    const error = engineErrorOf('tiny', reason)
    expect(error).toBeInstanceOf(DarError)
    expect(error.kind).toBe(kind)
    expect(error.message).toContain(`graph "tiny": ${reason}`)
    expect(error.message).toContain(advice)
  })
})
