/**
 * JSON with a photo in it. A text of base64 is most of such a body, and as a text of JavaScript it would be there three times more: in the
 * body's text, in the parsed value, and as bytes. So the longest text of the body is left out of what is parsed, and its bytes are decoded
 * where they lie.
 */
import type { z } from 'zod'
import { DarError } from '../support/errors.ts'

/** Shorter texts are parsed like the rest. */
const LEAST = 2 ** 16

/** Stands for the text that was left out: too long for an id, and nothing else than that text if a client should send it. */
const PLACE = '\u0000the long text'.padEnd(200, '.')

/** The text that was left out: characters without escapes, in the memory of the body. */
export type LongText = Uint8Array

export interface ParsedJson<Value> {
  readonly value: Value
  /** null where every text is short. */
  readonly long: LongText | null
}

/** @throws DarError for what is not JSON, or not of the schema. */
export function parseJson<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array): ParsedJson<z.infer<Schema>> {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const [begin, end] = longestText(body)
  const isLong = end - begin >= LEAST
  const parts = isLong ? [body.subarray(0, begin), JSON.stringify(PLACE).slice(1, -1), body.subarray(end)] : [body]
  let value: unknown
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    value = JSON.parse(parts.map((part) => (typeof part === 'string' ? part : decoder.decode(part))).join(''))
  } catch {
    throw new DarError('the body is not JSON')
  }
  const { success, data, error } = schema.safeParse(value)
  if (success) return { value: data, long: isLong ? bytes.subarray(begin, end) : null }
  const [issue] = error.issues
  throw new DarError(`${issue.path.join('.') || 'the body'}: ${issue.message}`)
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
/** Quotes that are looked at. A request has a few dozen; a body of nothing else would take seconds. */
const MOST_QUOTES = 10_000

/** Where the longest text lies, its quotes not among it; empty where there is none without escapes. */
function longestText(body: Buffer): readonly [begin: number, end: number] {
  let longest: readonly [number, number] = [0, 0]
  /** Behind the quote that opens a text; -1 between texts. */
  let begin = -1
  let at = body.indexOf(QUOTE)
  for (let count = 0; at >= 0 && count < MOST_QUOTES; count++) {
    if (begin < 0) begin = at + 1
    else if (!isEscaped(body, at)) {
      if (at - begin > longest[1] - longest[0]) longest = [begin, at]
      begin = -1
    }
    at = body.indexOf(QUOTE, at + 1)
  }
  return body.subarray(...longest).includes(BACKSLASH) ? [0, 0] : longest
}

/** A quote behind an odd number of backslashes. */
function isEscaped(body: Buffer, at: number): boolean {
  let slashes = 0
  while (body[at - 1 - slashes] === BACKSLASH) slashes++
  return slashes % 2 === 1
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
/** Bytes that are decoded at once: groups of four. */
const PIECE = 2 ** 18

/**
 * The bytes that a text stands for: `text`, or `long` where that was left out of the text.
 * @throws DarError for one that is not base64 throughout. Node itself leaves out what is none.
 */
export function fromBase64(text: string, name: string, long: LongText | null = null): Uint8Array {
  if (text === PLACE && long) return decodedInPlace(long, name)
  if (text.length === 0 || /[^A-Za-z0-9+/=\s]/.test(text)) throw notBase64(name)
  return new Uint8Array(Buffer.from(text, 'base64'))
}

const notBase64 = (name: string) => new DarError(`${name} is not base64`)

/** Three bytes take the place of four characters, so that what is written never overtakes what is read. */
function decodedInPlace(long: LongText, name: string): Uint8Array {
  const body = Buffer.from(long.buffer, long.byteOffset, long.length)
  let written = 0
  for (let at = 0; at < body.length; at += PIECE) {
    const text = body.toString('latin1', at, at + PIECE)
    const isLast = at + PIECE >= body.length
    if (!BASE64.test(text) || (!isLast && text.includes('='))) throw notBase64(name)
    written += body.write(text, written, 'base64')
  }
  return long.subarray(0, written)
}
