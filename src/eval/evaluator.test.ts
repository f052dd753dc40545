import { describe, expect, it } from 'vitest'
import type { Dataset, Frame } from '../data/types.ts'
import { resizeBilinear } from '../image/resize.ts'
import type { DepthImage } from '../image/types.ts'
import { Random } from '../support/random.ts'
import { type Alignment, applyFit, clampPrediction, fitAlignment } from './align.ts'
import { evaluate } from './evaluator.ts'
import { judge } from './judge.ts'
import { PIXEL_METRICS, pixelMetrics } from './metrics.ts'
import type { Prediction } from './prediction.ts'
import { type Protocol, peerBox, type Region, regionBox } from './protocol.ts'
import { Scratch } from './scratch.ts'
import { frameOf } from './testing.ts'

const protocolOf = (region: Region, alignment: Alignment = 'none'): Protocol => ({
  region,
  minimum: 0.1,
  cap: 10,
  alignment,
})
const FULL = protocolOf('full')
const BOX = protocolOf('crop_native')

const map = (width: number, height: number, at: (x: number, y: number) => number): DepthImage => ({
  width,
  height,
  data: Float32Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width))),
})

function setOf(frames: readonly Frame[]): Dataset {
  return {
    name: 'made',
    length: frames.length,
    get: async (index) => frames[index],
    async *[Symbol.asyncIterator]() {
      yield* frames
    },
  }
}

/** Depths of 1 to 5 m, a fifth of them holes. */
function scene(seed: number, width = 24, height = 18): DepthImage {
  const random = new Random(seed)
  return map(width, height, () => (random.chance(0.2) ? 0 : random.uniform(1, 5)))
}

const scaled = (depth: DepthImage, factor: number): DepthImage => ({
  ...depth,
  data: depth.data.map((d) => d * factor),
})
const truthOf = ({ depth }: Frame): DepthImage => {
  if (!depth) throw new Error('a frame without depth')
  return depth
}
const frames = [1, 2, 3].map((seed) => frameOf(scene(seed), { name: `made/${seed}` }))

describe('evaluate', () => {
  it('gives a perfect predictor perfect figures under every protocol', async () => {
    const protocols = [FULL, BOX, protocolOf('full', 'median'), protocolOf('crop_native', 'scale+shift')]
    const evaluations = await evaluate(setOf(frames), async (frame) => truthOf(frame), { protocols })
    expect(evaluations.map(({ protocol }) => protocol)).toEqual(protocols)
    for (const { metrics, medianScale, images } of evaluations) {
      expect([images, medianScale, metrics.d1]).toEqual([3, 1, 1])
      expect(metrics.abs_rel).toBeLessThan(1e-12)
      expect(metrics.rmse).toBeLessThan(1e-12)
    }
  })

  it('measures a known error, and median-scaling forgives it', async () => {
    const protocols = [FULL, protocolOf('full', 'median')]
    const [metric, aligned] = await evaluate(setOf(frames), async (frame) => scaled(truthOf(frame), 1.3), { protocols })
    expect(metric.metrics.abs_rel).toBeCloseTo(0.3, 6)
    expect([metric.metrics.d1, metric.metrics.d2]).toEqual([0, 1])
    expect(metric.medianScale).toBeCloseTo(1 / 1.3, 6)
    expect(aligned.metrics.abs_rel).toBeLessThan(1e-6)
    expect(aligned.metrics.d1).toBe(1)
  })

  it('averages images, not pixels', async () => {
    // 1 valid pixel with an error of 100 % beside 99 with none: pooled 1 %, per image 50 %.
    const lonely = frameOf(map(10, 10, (x, y) => (x + y === 0 ? 2 : 0)))
    const dense = frameOf(map(10, 10, (x, y) => (x + y === 0 ? 0 : 4)))
    const [{ metrics, frames: rows }] = await evaluate(setOf([lonely, dense]), async () => map(1, 1, () => 4), {
      protocols: [FULL],
    })
    expect(metrics.abs_rel).toBe(0.5)
    expect(rows.map(({ pixels }) => pixels)).toEqual([1, 99])
  })

  it('judges every step, under the protocols that ask for it', async () => {
    const predict = async (frame: Frame): Promise<Prediction> => ({
      ...truthOf(frame),
      steps: [1.5, 1.1, 1].map((factor) => scaled(truthOf(frame), factor)),
    })
    const [full, box] = await evaluate(setOf(frames), predict, { protocols: [FULL, BOX], stepProtocols: [BOX] })
    expect(full.steps).toEqual([])
    box.steps.forEach(({ abs_rel }, k) => {
      expect(abs_rel).toBeCloseTo([0.5, 0.1, 0][k], 6)
    })
    expect(box.steps).toHaveLength(3)
  })

  it('leaves out frames without a valid pixel and names them; refuses a set of nothing else', async () => {
    const empty = frameOf(
      map(6, 6, () => 12),
      { name: 'made/too-far' },
    )
    const predict = async () => map(1, 1, () => 3)
    const [evaluation] = await evaluate(setOf([...frames, empty]), predict, { protocols: [FULL] })
    expect(evaluation.images).toBe(3)
    expect(evaluation.empty).toEqual(['made/too-far'])
    await expect(evaluate(setOf([empty]), predict, { protocols: [FULL] })).rejects.toThrow(
      /made.*no.*|no frame of made/,
    )
  })

  it('pools over pixels when the protocol says so', async () => {
    const lonely = frameOf(map(10, 10, (x, y) => (x + y === 0 ? 2 : 0)))
    const dense = frameOf(map(10, 10, (x, y) => (x + y === 0 ? 0 : 4)))
    const predict = async (): Promise<Prediction> => ({ ...map(1, 1, () => 4), steps: [map(1, 1, () => 4)] })
    const [{ metrics, steps, pixels }] = await evaluate(setOf([lonely, dense]), predict, {
      protocols: [{ ...FULL, averaging: 'pixel' }],
    })
    expect(pixels).toBe(100)
    expect([metrics.abs_rel, metrics.rmse]).toEqual([1 / 100, Math.sqrt(4 / 100)])
    expect(steps[0].abs_rel).toBe(1 / 100)
  })

  it('counts predictions that are no depth before it clamps them', async () => {
    const truth = map(5, 1, () => 2)
    const spoiled = map(5, 1, (x) => [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 2][x])
    const good = frameOf(truth, { name: 'made/good' })
    const [{ bad, metrics }] = await evaluate(
      setOf([frameOf(truth, { name: 'made/bad' }), good]),
      async ({ name }) => (name === 'made/bad' ? spoiled : truth),
      { protocols: [FULL] },
    )
    expect(bad).toEqual({ nan: 1, infinite: 1, negative: 2, images: 1 })
    expect(metrics.d1).toBeCloseTo((1 / 5 + 1) / 2, 12)
    expect(metrics.rmse).toBeCloseTo(Math.sqrt((3 * (2 - 1e-3) ** 2 + 8 ** 2) / 5) / 2, 9)
  })

  it('judges sigma in the units of the aligned prediction', async () => {
    const predict = async (frame: Frame): Promise<Prediction> => {
      const truth = truthOf(frame)
      // Off by 2 % after the scale is forgiven, on either side in turn; sigma says 3 % of half the depth.
      const data = truth.data.map((g, i) => (g / 2) * (i % 2 ? 1.02 : 0.98))
      return { ...truth, data, sigma: { ...truth, data: truth.data.map((g) => 0.03 * (g / 2)) } }
    }
    const protocols = [FULL, protocolOf('full', 'median'), protocolOf('full', 'scale+shift-inverse')]
    const [metric, aligned, inverse] = await evaluate(setOf(frames), predict, { protocols })
    expect(metric.calibration?.within_2sigma).toBe(0)
    expect(aligned.calibration?.within_2sigma).toBe(1)
    expect(aligned.curves?.sigma[0]).toBeCloseTo(aligned.metrics.abs_rel, 9)
    expect(inverse.calibration).toBeNull()
  })

  it('profiles the error over the distance', async () => {
    const truth = map(4, 1, (x) => [1, 1, 8, 0][x])
    const predict = async () => map(4, 1, (x) => [1.1, 0.9, 10, 3][x])
    const [{ distance }] = await evaluate(setOf([frameOf(truth)]), predict, { protocols: [FULL] })
    const filled = distance.filter(({ pixels }) => pixels > 0)
    expect(filled.map(({ pixels }) => pixels)).toEqual([2, 1])
    expect(filled.every(({ from, to }, i) => from <= [1, 8][i] && [1, 8][i] < to)).toBe(true)
    expect(filled[0].abs_rel).toBeCloseTo(0.1, 6)
    expect(filled[0].bias).toBeCloseTo(0, 6)
    expect(filled[1].bias).toBeCloseTo(2, 6)
  })

  it('brings the truth to one size where the protocol asks for it', async () => {
    const truth = map(20, 15, (x) => (x % 2 ? 2 : 4))
    const protocol: Protocol = { ...FULL, truthSize: { width: 10, height: 5 } }
    const [{ pixels, metrics }] = await evaluate(setOf([frameOf(truth)]), async () => map(1, 1, () => 2), {
      protocols: [protocol],
    })
    // The nearest measurement of every second column is an odd one.
    expect([pixels, metrics.abs_rel]).toEqual([50, 0])
  })

  it('asks the predictor as the protocol says, or takes its maps as given', async () => {
    const shown: number[] = []
    const predict = async ({ image }: Frame) => {
      shown.push(image.width)
      return map(1, 1, () => 2)
    }
    const set = setOf([frameOf(map(640, 480, () => 2))])
    const protocol: Protocol = { ...BOX, input: 'centre' }
    await evaluate(set, predict, { protocols: [protocol] })
    await evaluate(set, predict, { protocols: [protocol], input: 'given' })
    expect(shown).toEqual([584, 640])
    await expect(evaluate(set, predict, { protocols: [protocol, FULL] })).rejects.toThrow(/different inputs/)
  })

  it('reads and predicts ahead of what it judges, a few frames and no more, in order', async () => {
    const many = Array.from({ length: 9 }, (_, i) => frameOf(scene(i), { name: `made/${i}` }))
    let started = 0
    let ahead = 0
    const predict = async (frame: Frame) => {
      started++
      await new Promise((resolve) => setTimeout(resolve, frame.name.endsWith('3') ? 9 : 1))
      return truthOf(frame)
    }
    const order: string[] = []
    await evaluate(setOf(many), predict, {
      protocols: [FULL],
      onProgress: (done, name) => {
        order.push(name)
        ahead = Math.max(ahead, started - done)
      },
    })
    expect(order).toEqual(many.map(({ name }) => name))
    expect(ahead).toBe(2)
  })

  it('fails with the first frame that fails, and leaves nothing behind', async () => {
    let running = 0
    const predict = async (frame: Frame) => {
      running++
      await new Promise((resolve) => setTimeout(resolve, 2))
      running--
      if (frame.name !== 'made/1') throw new Error(`no ${frame.name}`)
      return truthOf(frame)
    }
    await expect(evaluate(setOf(frames), predict, { protocols: [FULL] })).rejects.toThrow('no made/2')
    expect(running).toBe(0)
  })

  it('reports progress after every frame', async () => {
    const calls: unknown[] = []
    const onProgress = (done: number, frame: string) => calls.push([done, frame])
    await evaluate(setOf(frames), async (frame) => truthOf(frame), { protocols: [FULL], onProgress })
    expect(calls).toEqual([
      [1, 'made/1'],
      [2, 'made/2'],
      [3, 'made/3'],
    ])
  })
})

describe('judge', () => {
  it('measures the aligned and clamped prediction on the pixels of the region and range', () => {
    const truth = scene(7, 40, 30)
    const random = new Random(8)
    const predicted = { ...truth, data: truth.data.map(() => random.uniform(0.5, 12)) }
    const { top, bottom, left, right } = regionBox('crop_native', 40, 30)
    const counts = (i: number) => {
      const [x, y] = [i % 40, Math.floor(i / 40)]
      return x >= left && x < right && y >= top && y < bottom && truth.data[i] > 0.1
    }
    const at = [...truth.data.keys()].filter(counts)
    const [d, g] = [predicted, truth].map(({ data }) => at.map((i) => data[i]))
    for (const alignment of ['none', 'median', 'scale+shift'] as const) {
      const [figures] = judge(frameOf(truth), predicted, { protocols: [protocolOf('crop_native', alignment)] })
      const expected = pixelMetrics(clampPrediction(applyFit(d, fitAlignment(d, g, alignment)), 10), g)
      for (const name of PIXEL_METRICS) expect(figures?.metrics[name], name).toBeCloseTo(expected[name], 12)
      expect(figures?.pixels).toBe(at.length)
    }
  })

  it('does not count ground truth at or outside the range, or holes', () => {
    const truth = map(6, 1, (x) => [0, 0.05, Number.NaN, 2, 10, Number.POSITIVE_INFINITY][x])
    const [figures] = judge(
      frameOf(truth),
      map(1, 1, () => 2),
      { protocols: [FULL] },
    )
    expect(figures?.pixels).toBe(1)
    expect(figures?.metrics.abs_rel).toBe(0)
  })

  it('counts errors inside the region only', () => {
    const truth = map(100, 75, () => 2)
    const { left, right, top, bottom } = regionBox('crop_native', 100, 75)
    const inside = (x: number, y: number) => x >= left && x < right && y >= top && y < bottom
    const predicted = map(100, 75, (x, y) => (inside(x, y) ? 2 : 9))
    const [full, box] = judge(frameOf(truth), predicted, { protocols: [FULL, BOX] })
    expect(box?.metrics.abs_rel).toBe(0)
    expect(full?.metrics.abs_rel).toBeGreaterThan(0.3)
  })

  it('brings the prediction to the ground truth, which keeps its size and holes', () => {
    // A ramp is what bilinear resizing reproduces exactly, away from the border.
    const ramp = (width: number) => (x: number) => 1 + (3 * (x + 0.5)) / width
    const truth = map(32, 24, (x, y) => (x < 4 || x >= 28 || y === 9 ? 0 : ramp(32)(x)))
    const predicted = map(8, 6, ramp(8))
    const [figures] = judge(frameOf(truth, { width: 64, height: 48 }), predicted, { protocols: [FULL] })
    expect(figures?.pixels).toBe(24 * 23)
    expect(figures?.metrics.abs_rel).toBeLessThan(1e-6)
  })

  it.each([
    [200, 150],
    [100, 75],
  ])('places a prediction of a part of the 200x150 image where it belongs in %dx%d ground truth', (width, height) => {
    const box = peerBox(200, 150)
    const depth = (fraction: number) => 1 + 2 * fraction
    const truth = map(width, height, (x) => depth((x + 0.5) / width))
    const part = map(50, 50, (u) => depth((box.left + ((u + 0.5) * box.width) / 50) / 200))
    const frame = frameOf(truth, { width: 200, height: 150 })
    const [figures] = judge(frame, { ...part, covers: box }, { protocols: [BOX] })
    expect(figures?.metrics.abs_rel).toBeLessThan(1e-3)
    // The same map spread over the whole image is off by up to its margins.
    const [spread] = judge(frame, part, { protocols: [BOX] })
    expect(spread?.metrics.abs_rel).toBeGreaterThan(0.01)
  })

  it('gives the same figures in memory that other frames have used', () => {
    const scratch = new Scratch()
    const protocols = [FULL, BOX, protocolOf('full', 'scale+shift')]
    const random = new Random(13)
    for (const [width, height] of [
      [40, 30],
      [24, 18],
      [60, 44],
    ]) {
      const frame = frameOf(scene(width, width, height))
      const maps = [1.2, 1.1].map((factor) => map(17, 13, () => factor * random.uniform(0.5, 6)))
      const prediction = { ...maps[1], steps: maps, sigma: map(17, 13, () => random.uniform(0.1, 2)) }
      expect(judge(frame, prediction, { protocols, scratch })).toEqual(judge(frame, prediction, { protocols }))
    }
  })

  it('resizes a prediction bilinearly, whatever the rows that hold a measurement', () => {
    const truth = scene(31, 24, 18)
    truth.data.fill(0, 5 * 24, 9 * 24)
    const small = map(7, 5, (x, y) => 1 + x * 0.3 + y * y * 0.1)
    const large = { ...truth, data: resizeBilinear(small.data, 7, 5, 24, 18) }
    const [resized] = judge(frameOf(truth), small, { protocols: [FULL] })
    const [same] = judge(frameOf(truth), large, { protocols: [FULL] })
    for (const name of PIXEL_METRICS) expect(resized?.metrics[name]).toBeCloseTo(same?.metrics[name] ?? Number.NaN, 6)
  })

  it('refuses a region that the prediction does not cover, and a frame without depth', () => {
    const prediction = { ...map(4, 4, () => 2), covers: peerBox(200, 150) }
    const frame = frameOf(map(200, 150, () => 2))
    expect(() => judge(frame, prediction, { protocols: [FULL] })).toThrow(/made\/0 does not cover the region full/)
    expect(() =>
      judge(
        frameOf(null),
        map(1, 1, () => 2),
        { protocols: [FULL] },
      ),
    ).toThrow(/made\/0 has no depth map/)
  })

  it('scores a prediction that is not finite as the worst there is, not as missing', () => {
    const [figures] = judge(
      frameOf(scene(5)),
      map(1, 1, () => Number.NaN),
      { protocols: [FULL] },
    )
    expect(figures?.metrics.d3).toBe(0)
  })
})
