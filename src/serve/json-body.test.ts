/** JSON with a long text in it: the same values as JSON.parse gives. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { DarError } from '../support/errors.ts'
import { fromBase64, parseJson } from './json-body.ts'

const SCHEMA = z.looseObject({ image: z.string().min(1) })
const content = new Uint8Array(Buffer.from(Array.from({ length: 300_001 }, (_, i) => (7 * i) % 251)))
const base64 = Buffer.from(content).toString('base64')
const body = (text: string) => new Uint8Array(Buffer.from(text))

/** The image of a body, and what stands beside it. */
function read(text: string) {
  const { value, long } = parseJson(SCHEMA, body(text))
  const { image, ...rest } = value
  return { image: fromBase64(image, 'image', long), rest, isLong: long !== null }
}

/** `toEqual` takes seconds for arrays of this length. */
const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

describe('a long text', () => {
  it('is decoded where it lies', () => {
    const bytes = body(JSON.stringify({ focal: 90, image: base64, note: 'a "b" \\' }))
    const { value, long } = parseJson(SCHEMA, bytes)
    const image = fromBase64(value.image, 'image', long)
    expect(value).toMatchObject({ focal: 90, note: 'a "b" \\' })
    expect(equal(image, content)).toBe(true)
    expect(image.buffer).toBe(bytes.buffer)
  })

  it.each([0, 1, 2])('may end with padding (%d bytes more)', (more) => {
    const all = new Uint8Array([...content, ...content.subarray(0, more)])
    expect(equal(read(JSON.stringify({ image: Buffer.from(all).toString('base64') })).image, all)).toBe(true)
  })

  it('with escapes is parsed like any other, as PHP writes a slash', () => {
    const { image, isLong } = read(`{"image":"${base64.replaceAll('/', '\\/')}"}`)
    expect([equal(image, content), isLong]).toEqual([true, false])
  })

  it.each([
    ['behind the text', `{"image":"${base64}`],
    ['of base64', `{"image":"${base64}"}`.replace('"A', '"!')],
    ['of base64, padded in the middle', `{"image":"${'YQ=='.repeat(100_000)}"}`],
    ['around the text', `{"image":"${base64}"]`],
    ['of a kind', `{"image":["${base64}"]}`],
    ['for it', `{"other":"${base64}"}`],
  ])('is refused where there is a mistake %s', (_, text) => {
    expect(() => read(text)).toThrow(DarError)
  })

  it('is looked for among the first texts only', () => {
    const many = Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`k${i}`, '']))
    const { image, isLong } = read(JSON.stringify({ ...many, image: base64 }))
    expect([equal(image, content), isLong]).toEqual([true, false])
  })
})

it('a short text is parsed like any other', () => {
  expect(read('{"image":"YWJj","a":1}')).toEqual({ image: body('abc'), rest: { a: 1 }, isLong: false })
  expect(() => fromBase64('no base64!', 'image')).toThrow('image is not base64')
})
