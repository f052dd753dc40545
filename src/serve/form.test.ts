/** Forms: what other programs send, and what is none. */
import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { parseForm } from './form.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const part = (disposition: string, content: string, more = '') =>
  `--b\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n${content}\r\n`
const photo = part('name="image"; filename="a.jpg"', 'bytes\r\n--\r\nof it', 'Content-Type: image/jpeg\r\n')
const TYPE = 'multipart/form-data; boundary=b'

describe('a form', () => {
  it('as the platform writes it', async () => {
    const form = new FormData()
    const content = Uint8Array.from({ length: 70_000 }, (_, i) => i)
    form.set('image', new Blob([content]), 'ä "quoted" photo.jpg')
    form.set('map', 'größer')
    const request = new Request('http://localhost/', { method: 'POST', body: form })
    const type = request.headers.get('content-type') ?? ''
    const { image, options } = parseForm(new Uint8Array(await request.arrayBuffer()), type)
    expect([image, options]).toEqual([content, { map: 'größer' }])
  })

  it('has its file as a view of the body', () => {
    const body = bytes(`${photo}--b--`)
    const { image } = parseForm(body, TYPE)
    expect([Buffer.from(image).toString(), image.buffer]).toEqual(['bytes\r\n--\r\nof it', body.buffer])
  })

  it.each([
    ['a text before it and one after it', `before\r\n${photo}--b--\r\nafter`, TYPE],
    ['a boundary in quotes', `${photo}--b--`, 'multipart/form-data; charset=utf-8; boundary="b"'],
    ['blanks behind the boundary', photo.replace('--b', '--b \t').concat('--b--'), TYPE],
    ['an empty field', `${part('name="focal"', '')}${photo}--b--`, TYPE],
    ['names without quotes', `${photo.replace('name="image"', 'name=image')}--b--`, TYPE],
    ['files of other names', `${part('name="x"; filename="x"', '?')}${photo}--b--`, TYPE],
  ])('may have %s', (_, text, type) => {
    expect(Buffer.from(parseForm(bytes(text), type).image).toString()).toBe('bytes\r\n--\r\nof it')
  })

  it.each([
    ['has no boundary', photo, 'multipart/form-data', 'not a form'],
    ['breaks off', photo, TYPE, 'not a form'],
    ['breaks off in a head', '--b\r\nContent-Disposition: form', TYPE, 'not a form'],
    ['has a part without a head', '--b\r\n\r\ntext\r\n--b--', TYPE, 'no name'],
    ['has no file', `${part('name="image"', 'text')}--b--`, TYPE, 'no file named image'],
    ['has fields without end', `${part('name="x"', '').repeat(100)}--b--`, TYPE, 'more than 64'],
    ['is empty', '', TYPE, 'not a form'],
  ])('is none that %s', (_, text, type, message) => {
    const parse = () => parseForm(bytes(text), type)
    expect(parse).toThrow(DarError)
    expect(parse).toThrow(message)
  })
})
