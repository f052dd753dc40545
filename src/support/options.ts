/** Checks the names of options, because JavaScript callers have no type check: a misspelt option is an error. */
import { DarError } from './errors.ts'

/** Throws a DarError unless `options` is an object that has no other than the `known` keys. `what` takes them: `predict`. */
export function refuseUnknown(options: unknown, known: Readonly<Record<string, true>>, what: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new DarError(
      `the options of ${what} are ${options === null ? 'null' : `a ${typeof options}`}; give an object, or none`,
    )
  const unknown = Object.keys(options).filter((key) => !Object.hasOwn(known, key))
  if (unknown.length === 0) return
  throw new DarError(
    `${what} has no option ${unknown.map((key) => `'${key}'`).join(', ')}; it has ${Object.keys(known).join(', ')}`,
  )
}

/**
 * Throws a DarError where one of these is given and is neither true nor false: a switch that takes `'no'` as yes is worse than an error.
 * `what` takes them.
 */
export function refuseUnlessBoolean(options: Readonly<Record<string, unknown>>, what: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || typeof value === 'boolean') continue
    const shown = typeof value === 'string' ? `'${value}'` : String(value)
    throw new DarError(`the option ${name} of ${what} is ${shown}; give true or false`)
  }
}
