/**
 * The two kinds of failure. A user's mistake (a bad file, value or flag) is a `DarError`: its message names the value or
 * file and the remedy, and the command line prints it as one line, without a stack. Our own mistake is an assertion.
 */
export class DarError extends Error {
  override name = 'DarError'
}

/** Throws when an internal invariant does not hold; never for a user's input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message}`)
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
