/** Numbers given on the command line: a flag's text as a number, or a DarError that names the flag and what it said. */
import { DarError } from '../support/errors.ts'

/** A finite number above 0; undefined when the flag was not given. */
export function above0(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new DarError(`${flag} ${text}: give a number above 0`)
  return value
}

/** A whole number above 0; undefined when the flag was not given. */
export function wholeAbove0(flag: string, text: string | undefined): number | undefined {
  const value = above0(flag, text)
  if (value !== undefined && !Number.isInteger(value)) throw new DarError(`${flag} ${text}: give a whole number`)
  return value
}
