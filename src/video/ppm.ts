/**
 * Frames out of ffmpeg's pipe. It writes each as a binary PPM (netpbm's `P6`): raw RGB behind a line that gives the size. So the
 * size need not be known beforehand, which differs from the file's where a phone was turned or a filter scales. Portable: no Node.
 */
import type { RgbImage } from '../image/types.ts'
import { assert } from '../support/errors.ts'

/** `P6\n640 480\n255\n`; ffmpeg writes no comments. */
const HEADER = /^P6\n(\d+) (\d+)\n255\n/
const LONGEST_HEADER = 40

/** What a stream of frames ended with. */
export interface PpmEnd {
  /** Bytes of a frame that is not whole. */
  readonly rest: number
}

/** Cuts a stream of bytes into frames. Holds the memory of one frame, that which is being read. */
export async function* ppmFrames(
  chunks: AsyncIterable<Uint8Array>,
  onEnd: (end: PpmEnd) => void = () => {},
): AsyncGenerator<RgbImage, void, undefined> {
  let header = new Uint8Array(0)
  let frame: { readonly image: RgbImage; filled: number } | null = null
  for await (const chunk of chunks) {
    let bytes = chunk
    while (bytes.length > 0) {
      if (frame === null) {
        // A header is short, and often split between two chunks.
        const from = header.length
        header = joined(header, bytes.subarray(0, LONGEST_HEADER))
        const [line, width, height] = HEADER.exec(String.fromCharCode(...header.subarray(0, LONGEST_HEADER))) ?? []
        if (line === undefined) {
          assert(header.length < LONGEST_HEADER, 'ffmpeg wrote something else than frames')
          break
        }
        bytes = bytes.subarray(line.length - from)
        header = new Uint8Array(0)
        const size = { width: Number(width), height: Number(height) }
        frame = { image: { ...size, data: new Uint8Array(3 * size.width * size.height) }, filled: 0 }
      }
      const { image } = frame
      const part = bytes.subarray(0, image.data.length - frame.filled)
      image.data.set(part, frame.filled)
      frame.filled += part.length
      bytes = bytes.subarray(part.length)
      if (frame.filled === image.data.length) {
        frame = null
        yield image
      }
    }
  }
  onEnd({ rest: frame ? frame.filled : header.length })
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
