import { describe, expect, it } from 'vitest'
import type { RgbImage } from '../image/index.ts'
import { ppmFrames } from './ppm.ts'

const frame = (width: number, height: number, start: number): Buffer =>
  Buffer.concat([
    Buffer.from(`P6\n${width} ${height}\n255\n`),
    Uint8Array.from({ length: 3 * width * height }, (_, i) => start + i),
  ])

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Buffer, size: number) {
  let rest = -1
  const frames: RgbImage[] = []
  for await (const image of ppmFrames(inPieces(bytes, size), (end) => {
    rest = end.rest
  }))
    frames.push(image)
  return { frames, rest }
}

describe('frames out of a pipe', () => {
  // The first pixels of a frame may be the bytes of a header's end.
  const stream = Buffer.concat([frame(3, 2, 0), frame(1, 1, 10), frame(5, 4, 50)])

  it.each([1, 2, 7, 11, 12, 13, 30, 1000])('are the same in pieces of %i bytes', async (size) => {
    const { frames, rest } = await read(stream, size)
    expect(frames.map(({ width, height, data }) => [width, height, data[0], data.length])).toEqual([
      [3, 2, 0, 18],
      [1, 1, 10, 3],
      [5, 4, 50, 60],
    ])
    expect(rest).toBe(0)
  })

  it.each([
    [20, 20],
    [3, 3],
  ])('say how much of a frame is there when they break off', async (cut, rest) => {
    const whole = frame(3, 2, 0)
    const broken = Buffer.concat([whole, frame(10, 10, 0).subarray(0, cut === 3 ? 3 : 13 + cut)])
    expect(await read(broken, 9)).toMatchObject({ frames: [{ width: 3 }], rest })
  })

  it('are none in something else', async () => {
    await expect(read(Buffer.from('this is no picture but a long line of text'), 64)).rejects.toThrow(/something else/)
  })
})
