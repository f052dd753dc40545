/** Frames out of real files, by the real ffmpeg; skipped where it is not there. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import type { RgbImage } from '../image/index.ts'
import { perSecond, shownRate } from './rate.ts'
import { openSource, type SourceOptions } from './source.ts'

const hasFfmpeg = ['ffmpeg', 'ffprobe'].every((name) => spawnSync(name, ['-version']).status === 0)
const ffmpeg = (...args: string[]) => execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args])

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

/** A test video of ffmpeg's, which moves: 64×48, 10 a second. */
function made(name: string, { seconds = 1, args = [] as string[] } = {}): string {
  const path = join(folder, name)
  ffmpeg('-f', 'lavfi', '-i', `testsrc=size=64x48:rate=10:duration=${seconds}`, ...args, path)
  return path
}

async function read(input: string, options: SourceOptions = {}) {
  const source = await openSource(input, options)
  const frames: RgbImage[] = []
  try {
    for await (const frame of source.frames()) frames.push(frame)
  } finally {
    await source.close()
  }
  return { source, frames }
}

describe.skipIf(!hasFfmpeg)('the frames of a video', () => {
  it('are each there once, with their colours', async () => {
    const path = join(folder, 'colours.mkv')
    const two = ['red', 'blue'].flatMap((colour) => [
      '-f',
      'lavfi',
      '-i',
      `color=${colour}:size=32x16:rate=24:duration=0.25`,
    ])
    ffmpeg(...two, '-filter_complex', '[0][1]concat=n=2', '-c:v', 'ffv1', '-pix_fmt', 'bgr0', path)
    const { source, frames } = await read(path)
    expect(source).toMatchObject({ total: 12, isLive: false, notes: [] })
    expect(shownRate(source.rate)).toBe('24')
    const colours = frames.map(({ data }) => [...data.subarray(0, 3)].map((value) => Math.round(value / 10)))
    expect(colours).toEqual([...Array(6).fill([25, 0, 0]), ...Array(6).fill([0, 0, 25])])
  })

  it('are upright as its metadata says', async () => {
    const turned = join(folder, 'turned.mp4')
    ffmpeg('-i', made('flat.mp4'), '-c', 'copy', '-metadata:s:v:0', 'rotate=90', turned)
    const { frames } = await read(turned)
    expect(frames.map(({ width, height }) => [width, height])).toEqual(Array(10).fill([48, 64]))
  })

  it('keep their time when they are uneven, and it is said how', async () => {
    const path = join(folder, 'uneven.mkv')
    // One second at 20 a second, then two at 5 a second.
    const select = 'select=lt(n\\,20)+not(mod(n\\,4))'
    const from = ['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=20:duration=3']
    ffmpeg(...from, '-vf', select, '-vsync', 'vfr', '-c:v', 'ffv1', path)
    const { source, frames } = await read(path)
    expect(frames.length / perSecond(source.rate)).toBeCloseTo(3, 0)
    expect(Math.abs(frames.length - (source.total ?? 0))).toBeLessThanOrEqual(1)
    expect(source.notes).toEqual([expect.stringMatching(/uneven times; made even, 10\.\d+ a second/)])
  })

  it('come at another rate when asked', async () => {
    const { source, frames } = await read(made('slow.mp4', { seconds: 2 }), { fps: { frames: 5, seconds: 1 } })
    expect([source.total, frames.length]).toEqual([10, 10])
    expect(source.notes.join()).toMatch(/brought to 5 frames a second/)
  })

  it('are those that can be read of a cut file when that is wanted, and it is said', async () => {
    const whole = readFileSync(made('whole.mkv', { seconds: 4, args: ['-c:v', 'libx264'] }))
    const path = join(folder, 'part.mkv')
    writeFileSync(path, whole.subarray(0, 0.6 * whole.length))
    await expect(read(path)).rejects.toThrow(/part\.mkv is damaged or cut off after frame \d+/)
    const { source, frames } = await read(path, { partial: true })
    expect(frames.length).toBeGreaterThan(0)
    expect(frames.length).toBeLessThan(40)
    expect(source.notes.join()).toMatch(/damaged or cut off after frame/)
  })

  it('come in any format that ffmpeg is told', async () => {
    const { source, frames } = await read('testsrc=size=64x48:rate=8:duration=0.5', { format: 'lavfi' })
    expect(source.rate).toEqual({ frames: 8, seconds: 1 })
    expect(frames).toHaveLength(4)
    await expect(openSource('x', { format: 'nonsense' }).then((it) => it.frames().next())).rejects.toThrow(
      /cannot read x: Unknown input format: 'nonsense'/,
    )
    const absent = openSource('/nowhere/video0', { format: 'mp4' }).then((it) => it.frames().next())
    await expect(absent).rejects.toMatchObject({ kind: 'missing', message: expect.stringMatching(/; check the name$/) })
  })

  it('end when nobody wants them any more, also in the middle', async () => {
    const stop = new AbortController()
    const source = await openSource('testsrc=size=64x48:rate=8', { format: 'lavfi', signal: stop.signal })
    let count = 0
    for await (const _ of source.frames()) if (++count === 3) stop.abort()
    expect(count).toBe(3)
    const left = await openSource('testsrc=size=64x48:rate=8', { format: 'lavfi' })
    for await (const _ of left.frames()) break
    await left.close()
  })
})

describe('pictures as frames', () => {
  async function pictures(name: string, sizes: readonly (readonly [number, number])[]): Promise<string> {
    const path = join(folder, name)
    mkdirSync(path)
    for (const [i, [width, height]] of sizes.entries()) {
      const raw = { width, height, channels: 3 } as const
      const file = join(path, `frame_${String(i + 1).padStart(4, '0')}.png`)
      await sharp(new Uint8Array(3 * width * height).fill(i), { raw })
        .png()
        .toFile(file)
    }
    return path
  }

  it('are those of a folder or a pattern, in their order', async () => {
    const path = await pictures('frames', Array(3).fill([8, 6]))
    const { source, frames } = await read(path, { fps: { frames: 30, seconds: 1 } })
    expect(source).toMatchObject({ total: 3, notes: ['3 pictures, shown at 30 a second'] })
    expect(frames.map(({ data }) => data[0])).toEqual([0, 1, 2])
    const numbered = await read(join(path, 'frame_%04d.png'))
    expect(numbered.frames).toEqual(frames)
    expect(shownRate(numbered.source.rate)).toBe('25')
  })

  it('are of one size', async () => {
    const path = await pictures('two', [
      [8, 6],
      [6, 8],
    ])
    await expect(read(path)).rejects.toThrow(/frame_0002\.png has 6×8 pixels.*of one size, so scale them first/)
  })
})
