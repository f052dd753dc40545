/**
 * How every `dar` command ends. A user's mistake is one line on standard error and the exit code of its kind; a mistake of
 * ours is a stack, a request to report it, and 70. Codes above 1 are those of sysexits.h. A verb that finishes may set `process.exitCode`
 * itself, as when one photo of many could not be read. Left out: `process.exit`, which would cut off output still in a pipe.
 */
import { inspect } from 'node:util'
import { CommanderError } from 'commander'
import { DarError, type ErrorKind } from '../support/errors.ts'
import { cut, printable, redacted } from '../support/printable.ts'
import { onOneLine } from '../support/text.ts'

export const EXIT_MISTAKE = 1
export const EXIT_BUG = 70

/** The exit code of each kind of mistake. `dar --help` prints the same table (program.ts). */
export const EXIT_CODES: Readonly<Record<Exclude<ErrorKind, 'engine'>, number>> = {
  input: EXIT_MISTAKE,
  model: 65,
  missing: 66,
  gone: 69,
  memory: 71,
  output: 73,
  network: 75,
}

export interface RunOptions {
  /** Where messages go; standard error by default. */
  readonly write?: (text: string) => void
}

/** Runs a command and returns its exit code: never throws. */
export async function run(
  command: () => Promise<unknown>,
  { write = (text) => process.stderr.write(text) }: RunOptions = {},
): Promise<number> {
  try {
    await command()
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode // commander has printed its message, or the help
    // No verb hands a user's arrays to the engine: what it refuses is a mistake of ours.
    if (error instanceof DarError && error.kind !== 'engine') {
      write(`dar: ${redacted(onOneLine(error.message))}\n`)
      return EXIT_CODES[error.kind]
    }
    write(
      `${redacted(printable(cut(inspect(error), { longest: 20_000 })))}\ndar: this is a bug in dar; please report it with the lines above\n`,
    )
    return EXIT_BUG
  }
}
