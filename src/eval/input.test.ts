import { describe, expect, it } from 'vitest'
import type { Frame } from '../data/types.ts'
import type { DepthImage } from '../image/types.ts'
import { underProtocol } from './input.ts'
import type { Predictor } from './prediction.ts'
import { INDOOR_RANGE, type Protocol } from './protocol.ts'

const BASE: Protocol = { region: 'full', ...INDOOR_RANGE, alignment: 'none' }

/** Red is the column, green the row (mod 251). */
function frameOf(width: number, height: number, intrinsics: Frame['intrinsics'] = null): Frame {
  const data = new Uint8Array(3 * width * height)
  for (let i = 0; i < width * height; i++) data.set([(i % width) % 251, Math.floor(i / width) % 251, 7], 3 * i)
  return { name: 'made/0', image: { width, height, data }, depth: null, intrinsics }
}

/** "Depth" is what a channel of the pixel says, so the map tells what was shown where. */
const reads =
  (channel: number, shown: Frame[] = []): Predictor =>
  async (frame) => {
    shown.push(frame)
    const { width, height, data } = frame.image
    const map = { width, height, data: Float32Array.from({ length: width * height }, (_, i) => data[3 * i + channel]) }
    return { ...map, steps: [map], sigma: map }
  }

describe('the input of a protocol', () => {
  it('KB: shows the bottom centre, with the camera of the whole image, and says where it lies', async () => {
    const shown: Frame[] = []
    const camera = { fx: 700, fy: 700, cx: 600, cy: 180 }
    const prediction = await underProtocol(reads(1, shown), { ...BASE, input: 'kb' })(frameOf(1242, 375, camera))
    expect(prediction.covers).toEqual({ left: 13, top: 23, width: 1216, height: 352 })
    expect([prediction.width, prediction.height, prediction.data[0]]).toEqual([1216, 352, 23])
    expect(shown[0].intrinsics).toEqual({ fx: 700, fy: 700, cx: 587, cy: 157 })
  })

  it('a part of a photo of unknown camera has the lens assumed for the whole', async () => {
    const shown: Frame[] = []
    await underProtocol(reads(0, shown), { ...BASE, input: 'centre' })(frameOf(640, 480))
    expect(shown[0].image.width).toBe(584)
    expect(shown[0].intrinsics?.fx).toBeCloseTo((26 / Math.hypot(36, 24)) * 800, 6)
  })

  it('flip: the mean of a map and of the mirrored map of the mirrored image', async () => {
    const frame = frameOf(6, 4, { fx: 5, fy: 5, cx: 1, cy: 2 })
    // What follows the picture is unchanged by averaging …
    const same = await underProtocol(reads(0), { ...BASE, flip: true })(frame)
    expect([...same.data.slice(0, 6)]).toEqual([0, 1, 2, 3, 4, 5])
    expect([...(same.steps?.[0].data.slice(0, 3) ?? [])]).toEqual([0, 1, 2])
    expect([...(same.sigma?.data.slice(0, 3) ?? [])]).toEqual([0, 1, 2])
    // … and what follows the position becomes symmetric.
    const shown: Frame[] = []
    const byPlace: Predictor = async (given) => {
      shown.push(given)
      return { width: 6, height: 4, data: Float32Array.from({ length: 24 }, (_, i) => i % 6) }
    }
    const mixed = await underProtocol(byPlace, { ...BASE, flip: true })(frame)
    expect([...mixed.data]).toEqual(new Array(24).fill(2.5))
    expect(shown.map(({ intrinsics }) => intrinsics?.cx)).toEqual([1, 4])
  })

  it('halves: a left and a right window, blended linearly where they overlap', async () => {
    const frame = frameOf(10, 2)
    const seamless = await underProtocol(reads(0), { ...BASE, halves: { share: 0.6, blend: 'linear' } })(frame)
    expect([...seamless.data.slice(0, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    let call = 0
    const windows: Predictor = async ({ image: { width, height } }): Promise<DepthImage> => {
      const data = new Float32Array(width * height).fill(call++ === 0 ? 1 : 2)
      return { width, height, data }
    }
    // Windows 0..5 and 4..9 overlap in columns 4 and 5, whose right weights are ¼ and ¾.
    const blended = await underProtocol(windows, { ...BASE, halves: { share: 0.6, blend: 'linear' } })(frame)
    expect([...blended.data.slice(0, 10)]).toEqual([1, 1, 1, 1, 1.25, 1.75, 2, 2, 2, 2])
    call = 0
    const mean = await underProtocol(windows, { ...BASE, halves: { share: 0.6, blend: 'mean' } })(frame)
    expect([...mean.data.slice(0, 10)]).toEqual([1, 1, 1, 1, 1.5, 1.5, 2, 2, 2, 2])
  })

  it('flip and halves need whole maps', async () => {
    const part: Predictor = async () => ({
      width: 1,
      height: 1,
      data: Float32Array.of(1),
      covers: { left: 0, top: 0, width: 2, height: 2 },
    })
    await expect(underProtocol(part, { ...BASE, flip: true })(frameOf(6, 4))).rejects.toThrow(/covers a part/)
  })
})
