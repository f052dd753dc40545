import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, NdArray, nd, numbers, relativeError, sigma } from '../../test/op-harness.ts'
import { Graph } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import { convexUpsample } from './upsample.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const [B, H, W] = [2, 2, 3]

async function upsampled(depth: NdArray, logits: NdArray, factor: number): Promise<NdArray> {
  const graph = new Graph()
  const y = convexUpsample(graph.input('depth', depth.shape), graph.input('logits', logits.shape), { factor })
  const result = await evaluate(engine, { y }, { depth: depth.data, logits: logits.data })
  return new NdArray(y.shape, result.y)
}

const depths = new NdArray(
  [B, 1, H, W],
  numbers(B * H * W).map((v) => Math.abs(v) + 1),
)

test.each([8, 4])(
  '×%d: every fine pixel mixes the nine coarse ones around it, by the softmax of its own nine channels',
  async (s) => {
    const channels = 9 * s * s
    const logits = new NdArray([B, channels, H, W], numbers(B * channels * H * W, 4))
    const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1)
    const expected = nd([B, 1, s * H, s * W], (b, _, y, x) => {
      const [i, j, dy, dx] = [Math.floor(y / s), Math.floor(x / s), y % s, x % s]
      const weight = (n: number) => Math.exp(logits.at(b, n * s * s + s * dy + dx, i, j))
      const near = (n: number) => depths.at(b, 0, clamp(i + Math.floor(n / 3) - 1, H), clamp(j + (n % 3) - 1, W))
      return sigma([9], (n) => weight(n) * near(n)) / sigma([9], weight)
    })
    const actual = await upsampled(depths, logits, s)
    expect(actual.shape).toEqual(expected.shape)
    expect(relativeError(actual.data, expected.data)).toBeLessThan(1e-6)
  },
)

test('all weight on the middle repeats each pixel 8×8', async () => {
  const logits = nd([B, 576, H, W], (_, c) => (Math.floor(c / 64) === 4 ? 100 : 0))
  const actual = await upsampled(depths, logits, 8)
  const expected = nd([B, 1, 8 * H, 8 * W], (b, _, y, x) => depths.at(b, 0, Math.floor(y / 8), Math.floor(x / 8)))
  expect(relativeError(actual.data, expected.data)).toBeLessThan(1e-6)
})

test('a flat map stays flat, whatever the weights', async () => {
  const flat = nd([B, 1, H, W], () => 2.5)
  const actual = await upsampled(flat, new NdArray([B, 576, H, W], numbers(B * 576 * H * W, 9)), 8)
  expect(Math.max(...actual.data.map((v) => Math.abs(v - 2.5)))).toBeLessThan(1e-5)
})
