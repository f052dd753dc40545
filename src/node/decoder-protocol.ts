/** What passes between a `DecoderProcess` and its process, beside the bytes of a file and the pixels of a photo. */
import type { RgbImage } from '../image/types.ts'
import type { ErrorKind } from '../support/errors.ts'
import type { PhotoHeader } from './decode.ts'

export interface DecodeRequest {
  readonly id: number
  readonly want: 'image' | 'header'
  /** Of the file to read; without it, its bytes come along. */
  readonly path?: string
  /** What messages call the photo. */
  readonly name: string
}

export type DecodeAnswer =
  /** The pixels come along. */
  | { readonly id: number; readonly image: Omit<RgbImage, 'data'> }
  | { readonly id: number; readonly header: PhotoHeader }
  /** `kind` is null where it was no `DarError`. */
  | { readonly id: number; readonly failure: { readonly message: string; readonly kind: ErrorKind | null } }
