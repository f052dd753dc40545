import { afterAll, beforeAll, expect, test } from 'vitest'
import { Engine } from '../runtime/engine.ts'
import { float32ToHalf, halfToFloat32 } from '../safetensors/float16.ts'
import { Random } from '../support/random.ts'
import { halveProducts } from './half.ts'
import { compile, lower } from './onnx.ts'
import * as ops from './ops/index.ts'
import { Graph } from './tensor.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const random = new Random(3)
const values = (length: number) => Float32Array.from({ length }, () => random.uniform(-2, 2))
const rounded = (x: Float32Array): Float32Array => halfToFloat32(float32ToHalf(x))

test('rounded products read and give float16, and what is between them stays float32', async () => {
  const graph = new Graph()
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, [3, 3]))
  const y = ops.matmul(a, b)
  const outputs = { y, twice: ops.mul(a, 2) }
  const program = await engine.load(compile(outputs, { products: 'rounded' }))
  const feeds = { a: values(9), b: values(9) }
  const half = await program.run(feeds)
  const [ra, rb] = [rounded(feeds.a), rounded(feeds.b)]
  const product = Float32Array.from({ length: 9 }, (_, n) => {
    const [i, j] = [Math.floor(n / 3), n % 3]
    return [0, 1, 2].reduce((sum, k) => sum + ra[3 * i + k] * rb[3 * k + j], 0)
  })
  expect(half.y).toEqual(rounded(product))
  expect(half.y).not.toEqual(product)
  expect(half.twice).toEqual(feeds.a.map((x) => 2 * x))
  await program.dispose()
})

test('a product with a constant, which is a resampling, stays float32, and so does its gradient', () => {
  const graph = new Graph()
  const x = graph.input('x', [1, 1, 2, 2])
  const large = ops.resize(ops.mul(x, x), [4, 4])
  const model = halveProducts(lower({ large }).model)
  expect(model.nodes.filter(({ type }) => type === 'MatMul').length).toBeGreaterThan(0)
  expect(model.nodes.filter(({ type }) => type === 'Cast')).toEqual([])
})

test('a value that several products read is cast once', () => {
  const graph = new Graph()
  const x = graph.input('x', [2, 2])
  const y = ops.matmul(ops.matmul(x, x), x)
  const model = halveProducts(lower({ y }).model)
  // x, the inner product, and back twice.
  expect(model.nodes.filter(({ type }) => type === 'Cast')).toHaveLength(4)
})
