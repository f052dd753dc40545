/** Checks the input of a prediction: the pixels of an image, or an error message that describes what was passed instead. */
import type { RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'

const TAKEN =
  'give a path, the bytes of a JPEG, PNG or WebP file (Uint8Array), or pixels { width, height, data } of 8-bit RGB'

/** Throws a DarError that says what `input` is instead of a path, bytes or pixels. Returns pixels for pixels, else null. */
export function checkInput(input: unknown): RgbImage | null {
  if (typeof input === 'string') {
    const scheme = /^(data|https?|file|blob):/i.exec(input)?.[0].toLowerCase()
    if (scheme)
      throw new DarError(`the image is a string that begins with ${scheme}, which is not read; ${remedyFor(scheme)}`)
    return null
  }
  if (input instanceof Uint8Array) return null
  if (typeof input !== 'object' || input === null) throw refused(nameOf(input))
  const name = nameOf(input)
  if (name in REMEDIES) throw new DarError(`the image is a ${name}; ${REMEDIES[name]}`)
  const { width, height, data } = input as Partial<RgbImage>
  if (width === undefined && height === undefined && data === undefined) throw refused(`of the kind ${name}`)
  const isSide = (side: unknown): side is number => Number.isInteger(side) && (side as number) > 0
  if (!isSide(width) || !isSide(height))
    throw new DarError(`the image is ${String(width)}×${String(height)} pixels; ${TAKEN}`)
  const isBytes = data instanceof Uint8Array || (data as unknown) instanceof Uint8ClampedArray
  if (!isBytes || !data)
    throw new DarError(
      `the data of the image are ${nameOf(data)}; give a Uint8Array of ${3 * width * height} bytes, 8-bit RGB`,
    )
  if (data.length !== 3 * width * height) {
    const alpha = data.length === 4 * width * height ? ': it has an alpha channel, leave that out' : ''
    throw new DarError(
      `the image has ${data.length} bytes where ${width}×${height} pixels of 8-bit RGB take ${3 * width * height}${alpha}`,
    )
  }
  return input as RgbImage
}

const REMEDIES: Readonly<Record<string, string>> = {
  Blob: 'give its bytes: new Uint8Array(await blob.arrayBuffer())',
  File: 'give its bytes: new Uint8Array(await file.arrayBuffer())',
  Response: 'give its bytes: new Uint8Array(await response.arrayBuffer())',
  ArrayBuffer: 'give new Uint8Array(buffer)',
  SharedArrayBuffer: 'give a copy: Uint8Array.from(new Uint8Array(buffer))',
  URL: 'give the path of a file (fileURLToPath(url) of node:url), or the bytes that fetch(url) brings',
  Promise: 'await it first',
}

const remedyFor = (scheme: string): string =>
  scheme === 'data:'
    ? 'give its bytes: Buffer.from(text.slice(text.indexOf(",") + 1), "base64")'
    : scheme === 'file:'
      ? 'give the path: fileURLToPath(url) of node:url'
      : 'give a path, or the bytes: new Uint8Array(await (await fetch(url)).arrayBuffer())'

const refused = (what: string) => new DarError(`the image is ${what}; ${TAKEN}`)

/** The type of a value as a word: `null`, `number`, `Blob`, `Object`. Never its contents, which may be long. */
function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)
  return tag === 'Object' ? 'object' : tag
}
