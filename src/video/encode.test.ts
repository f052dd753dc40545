import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { containerOf, openVideoFile, repeatsAt } from './encode.ts'
import { depthPicture } from './picture.ts'

const hasFfmpeg = ['ffmpeg', 'ffprobe'].every((name) => spawnSync(name, ['-version']).status === 0)
const rate = { frames: 10, seconds: 1 }

describe('a live video', () => {
  it('repeats each frame until the next, and leaves out those that come too soon', () => {
    const times = [0, 0.32, 0.34, 0.5, 2]
    let written = 0
    const repeats = times.map((seconds) => {
      const times = repeatsAt(seconds, { rate, written })
      written += times
      return times
    })
    expect(repeats).toEqual([1, 3, 0, 2, 15])
    expect(written).toBe(21)
  })

  it.skipIf(!hasFfmpeg)('is as long as it took', async () => {
    const path = join(await temporaryFolder(), 'live.mp4')
    let clock = 500
    const sink = await openVideoFile(path, { rate, isLive: true, now: () => clock })
    const depth = { width: 16, height: 16, data: new Float32Array(256).fill(2) }
    const photo = { width: 16, height: 16, data: new Uint8Array(768) }
    const picture = depthPicture(photo, depth, { near: 1, far: 4 })
    for (const later of [0, 250, 250, 500]) {
      clock += later
      await sink.write({ depth, picture })
    }
    await sink.finish()
    await sink.place()
    const args = ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', path]
    expect(spawnSync('ffprobe', args, { encoding: 'utf8' }).stdout.trim()).toBe('11')
  })
})

describe('the kind of a video', () => {
  it('is what its name ends in', () => {
    expect(containerOf('a.b/walk.MP4').format).toBe('mp4')
    expect(() => containerOf('walk')).toThrow(/walk is no name of a video; end it in \.mp4/)
    expect(() => containerOf('walk.gif')).toThrow(/end it in/)
  })
})

describe('the picture of a frame', () => {
  const photo = { width: 5, height: 3, data: Uint8Array.from({ length: 45 }, (_, i) => i) }
  const depth = { width: 5, height: 3, data: Float32Array.from({ length: 15 }, (_, i) => 1 + i / 5) }

  it('has even sides, the last column and row repeated', () => {
    const { width, height, data } = depthPicture(photo, depth, { near: 1, far: 4 })
    expect([width, height]).toEqual([6, 4])
    const pixel = (x: number, y: number) => [...data.subarray(3 * (6 * y + x), 3 * (6 * y + x) + 3)]
    expect(pixel(5, 1)).toEqual(pixel(4, 1))
    expect(pixel(2, 3)).toEqual(pixel(2, 2))
    expect(pixel(5, 3)).toEqual(pixel(4, 2))
  })

  it('shows the photo on the left, and a scale on the right', () => {
    const both = depthPicture(photo, depth, { near: 1, far: 4, sideBySide: true })
    expect([both.width, both.height]).toEqual([10, 4])
    expect([...both.data.subarray(0, 15)]).toEqual([...photo.data.subarray(0, 15)])
    expect(depthPicture(photo, depth, { near: 1, far: 4, legend: true }).width).toBeGreaterThan(20)
  })

  it('has one colour for one distance, whatever else is in the frame', () => {
    const other = { ...depth, data: depth.data.map((metres, i) => (i === 0 ? metres : 3.5)) }
    const [a, b] = [depth, other].map((map) => depthPicture(photo, map, { near: 1, far: 4 }).data.subarray(0, 3))
    expect(a).toEqual(b)
  })
})
