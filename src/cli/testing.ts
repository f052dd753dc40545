/** For tests of verbs: what a command printed. */
import { afterEach, beforeEach, vi } from 'vitest'

export interface Printed {
  /** Text on stdout and on stderr since the test began. */
  out: string
  err: string
}

/** Catches stdout and stderr in every test of the file that calls this. */
export function capturePrinted(): Printed {
  const printed: Printed = { out: '', err: '' }
  beforeEach(() => {
    printed.out = ''
    printed.err = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed.out += text
      return true
    })
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      printed.err += text
      return true
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })
  return printed
}
