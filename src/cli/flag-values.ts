/** Numbers given on the command line: a flag's text as a number, or a DarError that names the flag and what it said. */
import { DarError } from '../support/errors.ts'

/** Reads the text of a flag; undefined when the flag was not given. */
interface NumberReader {
  (flag: string, text: string): number
  (flag: string, text: string | undefined): number | undefined
}

function reader(isRight: (value: number) => boolean, remedy: string): NumberReader {
  function read(flag: string, text: string): number
  function read(flag: string, text: string | undefined): number | undefined
  function read(flag: string, text: string | undefined): number | undefined {
    if (text === undefined) return undefined
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!Number.isFinite(value) || !isRight(value)) throw new DarError(`${flag} ${text}: give ${remedy}`)
    return value
  }
  return read
}

export const above0 = reader((value) => value > 0, 'a number above 0')
export const atLeast0 = reader((value) => value >= 0, 'a number of at least 0')
export const wholeAbove0 = reader((value) => Number.isInteger(value) && value > 0, 'a whole number above 0')
/** A seed of random numbers. */
export const wholeAtLeast0 = reader((value) => Number.isSafeInteger(value) && value >= 0, 'a whole number from 0')
/** A seed of rooms, which may be negative. */
export const whole31Bits = reader(
  (value) => Number.isInteger(value) && Math.abs(value) < 2 ** 31,
  'a whole number of at most 31 bits',
)
/** Where a server listens; 0 is any free port. */
export const portNumber = reader(
  (value) => Number.isInteger(value) && value >= 0 && value < 65536,
  'a whole number from 0 to 65535',
)

/** For an option that may be repeated: its values in their order. */
export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]
