import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type Frame, readFrames, writeFrame } from './frames.ts'

async function framesOf(pieces: Iterable<Buffer>): Promise<Frame[]> {
  const frames: Frame[] = []
  for await (const frame of readFrames(Readable.from(pieces))) frames.push(frame)
  return frames
}

describe('frames', () => {
  const sent: readonly (readonly [unknown, Uint8Array])[] = [
    [{ id: 1, name: 'bäd.jpg' }, Uint8Array.of(1, 2, 3)],
    [null, new Uint8Array(0)],
    ['text', new Uint8Array(3000).fill(7)],
  ]

  it.each([1, 7, 4096, 1e6])('arrive whole in pieces of %d bytes; a cut one does not arrive', async (size) => {
    const pipe = new PassThrough()
    const bytes = pipe.toArray()
    for (const [about, body] of sent) void writeFrame(pipe, about, body)
    pipe.end()
    const all = Buffer.concat((await bytes) as Buffer[])
    const pieces = (end: number) =>
      Array.from({ length: Math.ceil(end / size) }, (_, i) => all.subarray(i * size, Math.min(end, (i + 1) * size)))
    const whole = await framesOf(pieces(all.length))
    expect(whole.map(({ about }) => about)).toEqual(sent.map(([about]) => about))
    for (const [i, frame] of whole.entries()) expect(Buffer.compare(frame.bytes, sent[i][1])).toBe(0)
    expect(whole.every(({ bytes: { buffer, length } }) => buffer.byteLength === length)).toBe(true)
    expect(await framesOf(pieces(all.length - 1))).toHaveLength(2)
  })

  it('are refused when nobody is there any more', async () => {
    const pipe = new PassThrough()
    pipe.on('error', () => {})
    pipe.destroy(new Error('gone'))
    await expect(writeFrame(pipe, 1)).rejects.toThrow()
  })
})
