/** What a target is, and what targets share: a folder for files, and parsers that take a path. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DarError } from '../../src/support/errors.ts'

export interface Target {
  /** Files that the parser accepts. */
  readonly seeds: () => Promise<readonly Uint8Array[]>
  readonly parse: (bytes: Uint8Array) => unknown
}

/** Goes when the process ends. */
export const folder = mkdtempSync(join(tmpdir(), 'dar-fuzz-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

export const text = (value: string): Uint8Array => Buffer.from(value)
export const decoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

/** Writes a file of the folder, and the folders above it; returns its path. */
export function put(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  return path
}

/** For a parser that takes a path. */
export function asFile(name: string, parse: (path: string) => Promise<unknown>) {
  return (bytes: Uint8Array) => parse(put(name, bytes))
}

/** For a parser that takes what JSON.parse gives; what is no JSON does not come so far. */
export function asJson(parse: (value: unknown) => unknown) {
  return (bytes: Uint8Array) => {
    let value: unknown
    try {
      value = JSON.parse(decoded(bytes))
    } catch {
      return
    }
    return parse(value)
  }
}

/** Several parsers of one input, which all must accept it. */
export async function allOf(parsed: readonly Promise<unknown>[]): Promise<void> {
  const { mistakes, refusals } = await errorsOf(parsed)
  for (const error of [...mistakes, ...refusals]) throw error
}

/** Several parsers of one input, of which one must accept it. */
export async function anyOf(parsed: readonly Promise<unknown>[]): Promise<void> {
  const { mistakes, refusals } = await errorsOf(parsed)
  for (const error of mistakes) throw error
  if (refusals.length === parsed.length) throw refusals[0]
}

/** After the last has ended. */
async function errorsOf(parsed: readonly Promise<unknown>[]) {
  const errors = (await Promise.allSettled(parsed)).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  const refusals = errors.filter((error) => error instanceof DarError)
  return { refusals, mistakes: errors.filter((error) => !refusals.includes(error)) }
}
