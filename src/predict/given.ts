/**
 * What was handed to a prediction: a path, an image file's bytes, pixels, or an object that yields one of these. Anything else is
 * refused with a message that says what it is. Objects are told apart by their kind's name and methods, not by class: an
 * `ImageData` or a `Blob` of another realm, and another version of sharp, are as good.
 *
 * No address is ever fetched. A URL names a file, or it is refused.
 */
import type { Channels } from '../image/rgb.ts'
import { DarError } from '../support/errors.ts'
import type { BlobInput, ImageInput, PixelInput, SharpInput, UrlInput } from './types.ts'

/** An input, told apart. */
export type Given =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'file-url'; readonly url: string }
  /** Of a JPEG, PNG or WebP file. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: BlobInput }
  | { readonly kind: 'sharp'; readonly image: SharpInput }
  | { readonly kind: 'pixels'; readonly pixels: PixelInput & { readonly channels: Channels } }

const TAKEN =
  'give a path or file URL, the bytes of a JPEG, PNG or WebP file (Uint8Array, ArrayBuffer, Blob), a sharp object, ' +
  'ImageData, or pixels { width, height, data } of 8-bit grey, RGB or RGBA'

/** Throws a DarError that says what `input` is instead of an image, or what is wrong with it. */
export function recognise(input: ImageInput): Given {
  if (typeof input === 'string') return ofText(input)
  const given: unknown = input
  if (typeof given !== 'object' || given === null) throw refused(nameOf(given))
  const name = nameOf(given)
  if (name === 'Uint8Array') return { kind: 'bytes', bytes: given as Uint8Array }
  if (name === 'ArrayBuffer') return { kind: 'bytes', bytes: new Uint8Array(given as ArrayBuffer) }
  if (name === 'Blob' || name === 'File') return { kind: 'blob', blob: given as BlobInput }
  if (name === 'URL') return ofText((given as UrlInput).href)
  if (Object.hasOwn(REMEDIES, name)) throw new DarError(`the image is a ${name}; ${REMEDIES[name]}`)
  if (isSharp(given)) return { kind: 'sharp', image: given }
  return { kind: 'pixels', pixels: checkPixels(given as Partial<PixelInput>, name) }
}

function ofText(text: string): Given {
  if (text === '') throw new DarError('the path of the image is empty; give the path of a JPEG, PNG or WebP file')
  const scheme = /^(data|https?|file|blob):/i.exec(text)?.[0].toLowerCase()
  if (scheme === undefined) return { kind: 'path', path: text }
  if (scheme === 'file:') return { kind: 'file-url', url: text }
  throw new DarError(`the image is a ${scheme} URL, which is not fetched; ${remedyFor(scheme)}`)
}

const remedyFor = (scheme: string): string =>
  scheme === 'data:'
    ? 'give its bytes: Buffer.from(text.slice(text.indexOf(",") + 1), "base64")'
    : 'give a path, or the bytes: await (await fetch(url)).arrayBuffer()'

const REMEDIES: Readonly<Record<string, string>> = {
  Response: 'give its bytes: await response.arrayBuffer()',
  Request: 'give the bytes of its answer: await (await fetch(request)).arrayBuffer()',
  ReadableStream: 'give its bytes: await new Response(stream).arrayBuffer()',
  SharedArrayBuffer: 'give a copy: Uint8Array.from(new Uint8Array(buffer))',
  ImageBitmap: 'draw it on a canvas, and give getImageData(0, 0, width, height)',
  HTMLImageElement: 'draw it on a canvas, and give getImageData(0, 0, width, height)',
  HTMLCanvasElement: 'give canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)',
  OffscreenCanvas: 'give canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)',
  Promise: 'await it first',
}

function isSharp(value: object): value is SharpInput {
  const { clone, metadata, toBuffer } = value as Partial<Record<'clone' | 'metadata' | 'toBuffer', unknown>>
  return [clone, metadata, toBuffer].every((method) => typeof method === 'function')
}

function checkPixels(input: Partial<PixelInput>, name: string): PixelInput & { readonly channels: Channels } {
  const { width, height, data, colorSpace } = input
  if (width === undefined && height === undefined && data === undefined) throw refused(`of the kind ${name}`)
  const isSide = (side: unknown): side is number => Number.isInteger(side) && (side as number) > 0
  if (!isSide(width) || !isSide(height))
    throw new DarError(`the image is ${String(width)}×${String(height)} pixels; ${TAKEN}`)
  const pixels = width * height
  const kind = nameOf(data)
  if (!data || (kind !== 'Uint8Array' && kind !== 'Uint8ClampedArray'))
    throw new DarError(
      `the data of the image are ${kind}; give a Uint8Array of ${3 * pixels} bytes, 8-bit RGB, or of as many as its channels take`,
    )
  if (colorSpace !== undefined && colorSpace !== 'srgb')
    throw new DarError(
      `the colours of the image are ${String(colorSpace)}; give sRGB: getImageData(…, { colorSpace: "srgb" })`,
    )
  const channels = input.channels ?? data.length / pixels
  if (!isChannels(channels))
    throw new DarError(
      `the image has ${data.length} bytes where ${width}×${height} pixels of 8-bit RGB take ${3 * pixels} (grey ${pixels}, RGBA ${4 * pixels})`,
    )
  if (data.length !== channels * pixels)
    throw new DarError(
      `the image has ${data.length} bytes where ${width}×${height} pixels of ${channels} 8-bit channels take ${channels * pixels}`,
    )
  return { ...input, width, height, data, channels }
}

const isChannels = (count: unknown): count is Channels => [1, 2, 3, 4].includes(count as number)

const refused = (what: string) => new DarError(`the image is ${what}; ${TAKEN}`)

/** The type of a value as a word: `null`, `number`, `Blob`, `Object`. Never its contents, which may be long. */
function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)
  return tag === 'Object' ? 'object' : tag
}
