/**
 * Finds the kind of a file from its first bytes. Extensions can be wrong, and a decoder's own "unsupported format" does
 * not tell the owner of an iPhone that the photo is a HEIC. Formats that are recognised but not read are listed for
 * that message.
 */
import { DarError } from '../support/errors.ts'

export type Format = 'jpeg' | 'png' | 'webp' | 'tiff'

const SHOWN = { jpeg: 'JPEG', png: 'PNG', webp: 'WebP', tiff: 'TIFF' } as const satisfies Record<Format, string>

/** Each signature is one or more `offset, text` parts, bytes written as Latin-1. The first that matches wins. */
const SIGNATURES: readonly (readonly [format: string, ...parts: (readonly [offset: number, text: string])[]])[] = [
  ['jpeg', [0, '\xff\xd8\xff']],
  ['png', [0, '\x89PNG\r\n\x1a\n']],
  ['webp', [0, 'RIFF'], [8, 'WEBP']],
  ['GIF', [0, 'GIF8']],
  ['tiff', [0, 'II*\0']],
  ['tiff', [0, 'MM\0*']],
  ['BMP', [0, 'BM'], [6, '\0\0\0\0']],
  ['HEIC', [4, 'ftyphe']],
  ['HEIC', [4, 'ftypmif1']],
  ['AVIF', [4, 'ftypavi']],
  ['video', [4, 'ftyp']],
  ['video', [0, '\x1a\x45\xdf\xa3']],
  ['video', [0, 'RIFF'], [8, 'AVI ']],
  ['JPEG XL', [0, '\xff\x0a']],
  ['JPEG XL', [4, 'JXL ']],
  ['JPEG 2000', [4, 'jP  ']],
  ['OpenEXR', [0, '\x76\x2f\x31\x01']],
  ['PDF', [0, '%PDF']],
]

/**
 * The format of a file's bytes, if it is one of `accepted`.
 * @throws DarError that names the file, what it is, and what it should be.
 */
export function sniffFormat(bytes: Uint8Array, name: string, accepted: readonly Format[]): Format {
  const start = String.fromCharCode(...bytes.subarray(0, 512))
  const found =
    SIGNATURES.find(([, ...parts]) => parts.every(([offset, text]) => start.startsWith(text, offset)))?.[0] ??
    (/<svg[\s>]|<!DOCTYPE svg/i.test(start) ? 'SVG' : undefined)
  const format = accepted.find((candidate) => candidate === found)
  if (format) return format
  const depth = accepted.includes('tiff') ? 'a .npy, a 32-bit TIFF or a 16-bit grey PNG' : 'a 16-bit grey PNG'
  const wanted = accepted.includes('jpeg') ? 'JPEG, PNG or WebP' : depth
  if (!found) throw new DarError(`${name} is not an image that can be read; give ${wanted}`)
  throw new DarError(`${name} is ${describe(found)}, which cannot be read here; convert it to ${wanted}`)
}

function describe(format: string): string {
  const shown = formatName(format)
  return `${/^([AEIO]|SVG)/.test(shown) ? 'an' : 'a'} ${shown}${shown === 'video' ? '' : ' file'}`
}

/** How messages write a format. */
export function formatName(format: string): string {
  return Object.hasOwn(SHOWN, format) ? SHOWN[format as Format] : format
}
