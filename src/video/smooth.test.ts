import { describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { type SmoothInput, type SmoothState, smoothFrame } from './smooth.ts'

const [WIDTH, HEIGHT] = [32, 24]
const COUNT = WIDTH * HEIGHT
const random = new Random(3)

/** A photo full of edges, moved sideways by `shift` pixels. */
const photo = (shift = 0): Float32Array =>
  Float32Array.from({ length: COUNT }, (_, i) => 128 + 80 * Math.sin(((i % WIDTH) + shift) * 1.3) * Math.cos(i / WIDTH))

/** A depth of 2 m everywhere, times `factor(i)`. */
function frame(factor: (i: number) => number, luma = photo(), sigma: number | null = 0.1): SmoothInput {
  const map = (value: (i: number) => number) => ({
    width: WIDTH,
    height: HEIGHT,
    data: Float32Array.from({ length: COUNT }, (_, i) => value(i)),
  })
  return { depth: map((i) => 2 * factor(i)), sigma: sigma === null ? null : map(() => sigma), luma }
}

function run(frames: readonly SmoothInput[]) {
  let state: SmoothState | null = null
  return frames.map((input) => {
    const smoothed = smoothFrame(state, input)
    state = smoothed.state
    return smoothed
  })
}

/** Mean over the pixels of the standard deviation of ln d over time. */
function deviation(maps: readonly Float32Array[]): number {
  let sum = 0
  for (let i = 0; i < COUNT; i++) {
    const logs = maps.map((map) => Math.log(map[i]))
    const mean = logs.reduce((total, value) => total + value, 0) / logs.length
    sum += Math.sqrt(logs.reduce((total, value) => total + (value - mean) ** 2, 0) / logs.length)
  }
  return sum / COUNT
}

const data = (frames: readonly { readonly depth: { readonly data: Float32Array } }[]) =>
  frames.map(({ depth }) => depth.data)

describe('smoothing', () => {
  it('passes the first frame as it is', () => {
    const first = frame((i) => 1 + i / COUNT)
    expect(smoothFrame(null, first).depth.data).toEqual(first.depth.data)
  })

  it('takes most of the noise from a camera that stands still', () => {
    const noisy = Array.from({ length: 40 }, () => frame(() => Math.exp(random.normal(0, 0.05))))
    const smooth = run(noisy)
    expect(deviation(data(smooth))).toBeLessThan(0.3 * deviation(data(noisy)))
    expect(smooth.every(({ cameraMotion }) => cameraMotion === 0)).toBe(true)
  })

  it('holds on to the past as much, whether σ is small everywhere or large everywhere', () => {
    const noise = Array.from({ length: 10 }, () => Float32Array.from({ length: COUNT }, () => random.normal(0, 0.05)))
    const [small, large] = [0.1, 2].map((sigma) =>
      data(run(noise.map((errors) => frame((i) => Math.exp(errors[i]), photo(), sigma)))),
    )
    for (const [k, map] of small.entries()) expect(map[77] / large[k][77]).toBeCloseTo(1, 3)
  })

  it('takes most of the flicker of the scale', () => {
    const flicker = Array.from({ length: 40 }, () => Math.exp(random.normal(0, 0.05)))
    const flickering = flicker.map((factor) => frame(() => factor))
    const smooth = run(flickering)
    expect(deviation(data(smooth))).toBeLessThan(0.3 * deviation(data(flickering)))
  })

  it('brings a frame to the scale of the ones before it, and says by how much', () => {
    const frames = run([...Array(10).fill(frame(() => 1)), frame(() => 1.05)])
    expect(frames[10].scale).toBeGreaterThan(0.952)
    expect(frames[10].scale).toBeLessThan(0.97)
  })

  it('works without sigma', () => {
    const noisy = Array.from({ length: 20 }, () => frame(() => Math.exp(random.normal(0, 0.05)), photo(), null))
    expect(deviation(data(run(noisy)))).toBeLessThan(0.5 * deviation(data(noisy)))
  })

  it('trusts a pixel less the larger its sigma is', () => {
    const sure = frame((i) => (i === 400 ? 1.02 : 1), photo(), 0.04)
    const unsure = frame((i) => (i === 400 ? 1.02 : 1), photo(), 0.4)
    const before = frame(() => 1)
    const [a, b] = [sure, unsure].map((input) => run([before, input])[1].depth.data[400])
    expect(a).toBeGreaterThan(b)
  })

  it('follows what moves at once, and leaves the rest where it is', () => {
    const inside = (i: number) => i % WIDTH >= 8 && i % WIDTH < 16 && i >= 8 * WIDTH && i < 16 * WIDTH
    const still = frame(() => 1)
    const luma = photo().map((value, i) => (inside(i) ? 255 - value / 4 : value))
    const moved = frame((i) => (inside(i) ? 0.8 : 1.03), luma)
    const frames = run([...Array(10).fill(still), moved])
    const { depth, cameraMotion } = frames[10]
    expect(cameraMotion).toBe(0)
    expect(depth.data[12 * WIDTH + 12]).toBeLessThan(1.05 * 2 * 0.8)
    expect(depth.data[2 * WIDTH + 28]).toBeCloseTo(2, 1)
  })

  it('starts a pixel anew whose depth disagrees with its sigma, though the photo looks the same', () => {
    const inside = (i: number) => i % WIDTH >= 8 && i % WIDTH < 20 && i >= 6 * WIDTH && i < 18 * WIDTH
    const frames = run([...Array(10).fill(frame(() => 1)), frame((i) => (inside(i) ? 0.5 : 1))])
    expect(frames[10].depth.data[12 * WIDTH + 14]).toBeCloseTo(1, 2)
    expect(frames[10].depth.data[12 * WIDTH + 30]).toBeCloseTo(2, 5)
    expect(frames[10].resets).toBeGreaterThan(0.1)
    expect(frames[10].resets).toBeLessThan(0.4)
  })

  // 2 m is σ as large as the depth, as dar-nano has it: σ compares pixels and frames, and is no error bar.
  it.each([0.1, 2])('follows the network when the camera moves, with a σ of %d m', (sigma) => {
    const frames = Array.from({ length: 10 }, (_, k) => frame(() => 0.9 ** k, photo(k), sigma))
    const smooth = run(frames)
    for (const [k, { depth, cameraMotion }] of smooth.entries()) {
      if (k > 0) expect(cameraMotion).toBe(1)
      expect(depth.data[300] / (2 * 0.9 ** k)).toBeLessThan(1.05)
    }
  })

  it('does not take a change of the light for motion', () => {
    const brighter = frame(
      () => 1.05,
      photo().map((value) => value + 12),
    )
    const [, { cameraMotion, depth }] = run([frame(() => 1), brighter])
    expect(cameraMotion).toBe(0)
    expect(depth.data[0]).toBeLessThan(2 * 1.04)
  })

  it('changes neither its input nor the state that it was given', () => {
    const [first, second] = [frame(() => 1), frame(() => 1.05)]
    const { state } = smoothFrame(null, first)
    const kept = structuredClone({ second, state })
    smoothFrame(state, second)
    expect({ second, state }).toEqual(kept)
  })

  it('gives every depth as a finite number, whatever sigma says', () => {
    const frames = run([frame(() => 1, photo(), 0), frame(() => 1.1, photo(), 0), frame(() => 1, photo(), 1e30)])
    expect(frames.every(({ depth }) => depth.data.every(Number.isFinite))).toBe(true)
  })
})
