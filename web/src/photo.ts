/** From what a visitor gives (a file, a frame of a video) to a `Photo`. */
import { DarError } from '../../src/support/errors.ts'
import { contextOf } from './dom.ts'
import type { Photo } from './store.ts'

/** The longer side of what is shown. */
const PREVIEW = 1280

/** Throws a DarError for a file that the browser cannot decode; the worker says what it is instead. */
export async function photoOfFile(file: Blob, name: string): Promise<Photo> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  const bitmap = await createImageBitmap(new Blob([bytes]), { imageOrientation: 'from-image' }).catch(() => null)
  if (!bitmap) throw new DarError(`${name} is no picture that this browser shows`)
  const { width, height } = bitmap
  const preview = drawn(bitmap, width, height)
  bitmap.close()
  return { name, bytes, pixels: null, preview, width, height }
}

/** The frame that a video shows now, at most `longest` pixels long. */
export function photoOfFrame(video: HTMLVideoElement, longest: number): Photo {
  const scale = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight))
  const [width, height] = [video.videoWidth, video.videoHeight].map((side) => Math.max(1, Math.round(side * scale)))
  const preview = document.createElement('canvas')
  preview.width = width
  preview.height = height
  const context = preview.getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('this browser gives no canvas to draw on')
  context.drawImage(video, 0, 0, width, height)
  const rgba = context.getImageData(0, 0, width, height).data
  return { name: 'webcam', bytes: null, pixels: { width, height, data: withoutAlpha(rgba) }, preview, width, height }
}

/** RGBA → RGB. */
export function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, at = 0; from < rgba.length; from += 4) {
    rgb[at++] = rgba[from]
    rgb[at++] = rgba[from + 1]
    rgb[at++] = rgba[from + 2]
  }
  return rgb
}

function drawn(source: CanvasImageSource, width: number, height: number): HTMLCanvasElement {
  const scale = Math.min(1, PREVIEW / Math.max(width, height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(width * scale))
  canvas.height = Math.max(1, Math.round(height * scale))
  contextOf(canvas).drawImage(source, 0, 0, canvas.width, canvas.height)
  return canvas
}
