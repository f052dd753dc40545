import { describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { snapEdges } from './snap-edges.ts'

const [WIDTH, HEIGHT, EDGE] = [90, 150, 47]

/** A near thing left of column EDGE, before something far, with some noise. */
function photo({ far = [60, 90, 160], near = [200, 160, 90] } = {}) {
  const random = new Random(4)
  const data = new Uint8Array(3 * WIDTH * HEIGHT)
  for (let i = 0; i < WIDTH * HEIGHT; i++)
    for (let c = 0; c < 3; c++) data[3 * i + c] = (i % WIDTH < EDGE ? near : far)[c] + random.integer(-8, 9)
  return { width: WIDTH, height: HEIGHT, data }
}

/** ln d: from 0 to 1 over twelve pixels, the middle of the ramp `off` pixels from the edge. */
const ramp = (off = 0) => ({
  width: WIDTH,
  height: HEIGHT,
  data: Float32Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
    Math.min(1, Math.max(0, ((i % WIDTH) - EDGE - off) / 12 + 0.5)),
  ),
})

function snapped(map: ReturnType<typeof ramp>, image: ReturnType<typeof photo>, radius = 9) {
  for (const _ of snapEdges(map, image, { radius }));
  return map
}

describe('snapEdges', () => {
  it.each([-3, 0, 2])('makes a ramp a step where the photo has the edge, %d pixels beside it', (off) => {
    const { data } = snapped(ramp(off), photo())
    for (let y = 0; y < HEIGHT; y++) {
      const row = data.subarray(y * WIDTH, (y + 1) * WIDTH)
      expect(Math.max(...row.subarray(0, EDGE))).toBeLessThan(0.15)
      expect(Math.min(...row.subarray(EDGE))).toBeGreaterThan(0.85)
    }
  })

  it('leaves a ramp where both sides look alike', () => {
    const { data } = snapped(ramp(), photo({ far: [120, 120, 120], near: [120, 120, 120] }))
    const before = ramp().data
    expect(Math.max(...data.map((value, i) => Math.abs(value - before[i])))).toBeLessThan(0.05)
  })

  it('does not touch what is flat, texture or not', () => {
    const flat = { width: WIDTH, height: HEIGHT, data: new Float32Array(WIDTH * HEIGHT).map((_, i) => i * 1e-7) }
    const before = flat.data.slice()
    expect(snapped(flat, photo()).data).toEqual(before)
  })

  it('does the same whatever the bands that it works in', () => {
    // The picture turned upside down has its bands elsewhere.
    const turned = <Values extends Float32Array | Uint8Array>(data: Values, channels: number) => {
      const out = data.slice() as Values
      const row = channels * WIDTH
      for (let y = 0; y < HEIGHT; y++) out.set(data.subarray((HEIGHT - 1 - y) * row, (HEIGHT - y) * row), y * row)
      return out
    }
    const slanted = { ...ramp(), data: ramp().data.map((value, i) => value * (1 + i / (WIDTH * HEIGHT))) }
    const image = photo()
    const upright = snapped({ ...slanted, data: slanted.data.slice() }, image)
    const over = snapped({ ...slanted, data: turned(slanted.data, 1) }, { ...image, data: turned(image.data, 3) })
    const back = turned(over.data, 1)
    expect(Math.max(...back.map((value, i) => Math.abs(value - upright.data[i])))).toBeLessThan(1e-5)
  })

  it('works on a picture smaller than its radius', () => {
    const map = { width: 3, height: 2, data: Float32Array.of(0, 0.5, 1, 0, 0.5, 1) }
    const image = {
      width: 3,
      height: 2,
      data: Uint8Array.of(0, 0, 0, 0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255, 255, 255, 255),
    }
    for (const _ of snapEdges(map, image, { radius: 9 }));
    expect([...map.data].map(Math.round)).toEqual([0, 0, 1, 0, 1, 1])
  })
})
