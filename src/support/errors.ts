import { cut, printable } from './printable.ts'

/**
 * The two kinds of failure. A user's mistake (a bad file, value or flag) is a `DarError`: its message names the value
 * or file and the remedy, and its kind tells a program what to do (an exit code, a status). The command line prints it
 * as one line, without a stack. A bug of ours fails an assertion. A message holds no control characters of file names, and
 * is cut in the middle where it is long.
 */
export class DarError extends Error {
  override name = 'DarError'
  /** What went wrong, for programs; the message is for people. */
  readonly kind: ErrorKind

  constructor(message: string, { kind = 'input', ...options }: ErrorOptions & { readonly kind?: ErrorKind } = {}) {
    super(cut(printable(message)), options)
    this.kind = kind
  }
}

/**
 * - `input`: a value, an option or a file's content is wrong
 * - `missing`: what was named is not there
 * - `model`: a model file or its weights cannot be used
 * - `output`: a result cannot be written
 * - `network`: a download failed; trying again may help
 * - `gone`: what was used has ended: a disposed model, a process that was killed
 * - `memory`: there was too little memory; a smaller image or batch may help
 * - `engine`: ONNX Runtime failed at a graph; a mistake in what it was fed, or ours
 */
export type ErrorKind = 'input' | 'missing' | 'model' | 'output' | 'network' | 'gone' | 'memory' | 'engine'

/** Throws when an internal invariant does not hold; never for a user's input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message}`)
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
