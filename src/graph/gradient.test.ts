import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, numbers, relativeError } from '../../test/op-harness.ts'
import { Engine } from '../runtime/engine.ts'
import { gradient } from './gradient.ts'
import { compile } from './onnx.ts'
import * as ops from './ops/index.ts'
import { Graph, nodesBehind, type Shape, sizeOf, type Tensor } from './tensor.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

/** Inputs named after their shapes, seeded values for them, the gradients of a loss and their central differences. */
async function check(shapes: Readonly<Record<string, Shape>>, build: (x: Record<string, Tensor>) => Tensor) {
  const graph = new Graph({ float: 'float64' })
  const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, graph.input(name, shape)]))
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, numbers(sizeOf(shape), i + 1)]),
  )
  const loss = build(inputs)
  const names = Object.keys(shapes)
  const gradients = gradient(
    loss,
    names.map((name) => inputs[name]),
  )
  const exact = await evaluate(engine, Object.fromEntries(names.map((name, i) => [`d${name}`, gradients[i]])), feeds)
  const numeric = await differences(engine, loss, feeds, names)
  for (const name of names) {
    expect(Math.max(...numeric[name].map(Math.abs)), `${name}: size`).toBeGreaterThan(1e-3)
    expect(relativeError(exact[`d${name}`], numeric[name]), name).toBeLessThan(1e-6)
  }
}

describe('reverse mode equals central differences', () => {
  test('where a tensor is used many times', () =>
    check({ x: [3] }, ({ x }) => {
      const y = ops.exp(ops.mul(x, 0.5))
      return ops.sum(ops.add(ops.mul(ops.add(y, x), y), ops.mul(ops.mul(x, x), ops.tanh(y))))
    }))

  test('where a tensor is broadcast in two ways', () =>
    check({ x: [3], y: [3, 2] }, ({ x, y }) =>
      ops.sum(ops.square(ops.add(ops.mul(ops.reshape(x, [3, 1]), y), ops.sum(x, [0], { keepAxes: true })))),
    ))

  test('through a long chain of ops of every family', () =>
    check({ image: [2, 3, 4, 6], kernel: [4, 3, 3, 3], weight: [4], bias: [4], w: [5, 4], q: [2, 3, 4] }, (x) => {
      const map = ops.relu(ops.conv(x.image, x.kernel, x.bias, { stride: 2, padding: [1, 1, 1, 1] }))
      const normal = ops.groupNorm(ops.resize(map, [3, 2]), 2, x.weight, x.bias, 1e-3)
      const tokens = ops.transpose(ops.reshape(normal, [2, 4, 6]), [0, 2, 1])
      const read = ops.attention(x.q, tokens, ops.layerNorm(tokens, x.weight, x.bias, 1e-3), 2)
      const logits = ops.linear(ops.concat([read, ops.gelu(x.q)], 1), x.w)
      const half = ops.slice(ops.softmax(logits), 1, 1, 6, 2)
      return ops.log(ops.add(ops.sum(ops.square(ops.pad(half, 2, 1, 0))), 1))
    }))

  test('with a chain of a hundred nodes', () =>
    check({ x: [2, 2] }, ({ x }) => {
      let y = x
      for (let i = 0; i < 50; i++) y = ops.tanh(ops.add(y, ops.mul(x, 0.1)))
      return ops.mean(y)
    }))
})

describe('where it stops', () => {
  test('stopGradient makes a factor a constant', async () => {
    const graph = new Graph({ float: 'float64' })
    const x = graph.input('x', [3])
    const [dx] = gradient(ops.sum(ops.mul(x, ops.stopGradient(ops.mul(x, 3)))), [x])
    expect([...(await evaluate(engine, { dx }, { x: [1, 2, -4] })).dx]).toEqual([3, 6, -12])
  })

  test('floor and sign pass nothing on', async () => {
    const graph = new Graph({ float: 'float64' })
    const x = graph.input('x', [2])
    const [dx] = gradient(ops.sum(ops.add(ops.mul(ops.floor(x), ops.sign(x)), ops.mul(x, 5))), [x])
    expect([...(await evaluate(engine, { dx }, { x: [1.5, -2.5] })).dx]).toEqual([5, 5])
  })

  test('an op without gradient is no obstacle behind a stopGradient', async () => {
    const graph = new Graph({ float: 'float64' })
    const x = graph.input('x', [2])
    const [dx] = gradient(ops.sum(ops.mul(x, ops.max(ops.stopGradient(x)))), [x])
    expect([...(await evaluate(engine, { dx }, { x: [3, 4] })).dx]).toEqual([4, 4])
  })

  test('branches that do not reach the loss are not differentiated', () => {
    const graph = new Graph()
    const [x, y] = [graph.input('x', [4]), graph.input('y', [4])]
    const loss = ops.sum(ops.add(ops.exp(x), ops.mul(ops.max(y), 2)))
    ops.max(x) // has no gradient, and nobody asks for it
    const [dx] = gradient(loss, [x])
    expect(nodesBehind([dx]).map(({ op }) => op)).not.toContain('max')
  })

  test('only what is needed is computed: no gradient for operands that are constants', () => {
    const graph = new Graph()
    const [x, w] = [graph.input('x', [2, 3]), graph.parameter('w', [4, 3], { kind: 'constant', value: 0 })]
    const [dw] = gradient(ops.sum(ops.linear(x, w)), [w])
    expect(nodesBehind([dw]).filter(({ op }) => op === 'gemm')).toHaveLength(1)
  })
})

describe('at a kink', () => {
  const cases: [string, number[], (x: Tensor) => Tensor, number[]][] = [
    ['relu gives 0 at 0', [-1, 0, 1], ops.relu, [0, 0, 1]],
    ['relu6 gives 0 at 0 and at 6', [0, 3, 6], ops.relu6, [0, 1, 0]],
    ['abs gives 0 at 0', [-2, 0, 2], ops.abs, [-1, 0, 1]],
    ['clamp passes at its borders', [-2, -1, 0, 1, 2], (x) => ops.clamp(x, -1, 1), [0, 1, 1, 1, 0]],
    ['maximum of equals goes to the first', [1, 1], (x) => ops.maximum(x, ops.mul(ops.stopGradient(x), 1)), [1, 1]],
    ['… and not to the second', [1, 1], (x) => ops.maximum(ops.mul(ops.stopGradient(x), 1), x), [0, 0]],
    ['minimum of equals goes to the first', [1, 1], (x) => ops.minimum(x, ops.mul(ops.stopGradient(x), 1)), [1, 1]],
    ['… and not to the second', [1, 1], (x) => ops.minimum(ops.mul(ops.stopGradient(x), 1), x), [0, 0]],
  ]
  test.each(cases)('%s', async (_name, values, f, expected) => {
    const graph = new Graph()
    const x = graph.input('x', [values.length])
    const [dx] = gradient(ops.sum(f(x)), [x])
    expect([...(await evaluate(engine, { dx }, { x: values })).dx].map((v) => v + 0)).toEqual(expected)
  })
})

describe('asked for', () => {
  test('an intermediate tensor and a leaf behind it, it gives both', async () => {
    const graph = new Graph({ float: 'float64' })
    const x = graph.input('x', [2])
    const y = ops.mul(x, x)
    const [dx, dy] = gradient(ops.sum(ops.mul(y, 3)), [x, y])
    const result = await evaluate(engine, { dx, dy }, { x: [2, 5] })
    expect([[...result.dx], [...result.dy]]).toEqual([
      [12, 30],
      [3, 3],
    ])
  })

  test('the loss itself, it gives one', async () => {
    const graph = new Graph()
    const x = graph.input('x', [2])
    const loss = ops.sum(x)
    const [dl, dx] = gradient(loss, [loss, x])
    const result = await evaluate(engine, { dl, dx }, { x: [2, 5] })
    expect([[...result.dl], [...result.dx]]).toEqual([[1], [1, 1]])
  })

  test('a loss of one value with axes, it accepts it', async () => {
    const graph = new Graph()
    const x = graph.input('x', [2])
    const [dx] = gradient(ops.sum(x, [0], { keepAxes: true }), [x])
    expect([...(await evaluate(engine, { dx }, { x: [2, 5] })).dx]).toEqual([1, 1])
  })

  test.each<[string, (x: Tensor, y: Tensor, n: Tensor) => unknown, string]>([
    [
      'a loss that is no scalar',
      (x) => gradient(ops.exp(x), [x]),
      'gradient(exp_0:float32[3]): the loss must be a scalar',
    ],
    [
      'a loss that is no float',
      (x, _y, n) => gradient(ops.sum(n), [x]),
      'gradient(sum_0:int64[]): the loss must be a float',
    ],
    ['what is not behind the loss', (x, y) => gradient(ops.sum(x), [x, y]), 'y:float32[3] does not influence the loss'],
    [
      'what only a stop leads to',
      (x, y) => gradient(ops.sum(ops.mul(x, ops.stopGradient(y))), [x, y]),
      'y:float32[3] does not influence the loss',
    ],
    [
      'what only a comparison reads',
      (x, y) => gradient(ops.sum(ops.where(ops.less(y, 0), x, 0)), [y]),
      'y:float32[3] does not influence the loss',
    ],
    [
      'what only floor reads',
      (x, y) => gradient(ops.sum(ops.add(x, ops.floor(y))), [y]),
      'y:float32[3] does not influence the loss',
    ],
    [
      'an int64 behind a cast',
      (x, _y, n) => gradient(ops.sum(ops.mul(x, ops.cast(n, 'float32'))), [n]),
      'n:int64[3] does not influence the loss',
    ],
    [
      'what passes max',
      (x) => gradient(ops.max(x), [x]),
      'gradient: max (max_0) has no gradient; put stopGradient before it',
    ],
    [
      'what passes min',
      (x) => gradient(ops.min(x), [x]),
      'gradient: min (min_0) has no gradient; put stopGradient before it',
    ],
    [
      'what passes maxPool',
      (x) => gradient(ops.sum(ops.maxPool(ops.reshape(x, [1, 1, 1, 3]), 1)), [x]),
      'gradient: maxPool (maxPool_1) has no gradient; put stopGradient before it',
    ],
  ])('%s, it says what is wrong', (_name, call, message) => {
    const graph = new Graph()
    expect(() => call(graph.input('x', [3]), graph.input('y', [3]), graph.input('n', [3], 'int64'))).toThrow(message)
  })
})

describe('the gradient of a gradient equals central differences', () => {
  const second: [string, Record<string, Shape>, (x: Record<string, Tensor>) => Tensor][] = [
    ['exp', { a: [4] }, ({ a }) => ops.exp(a)],
    ['tanh and sigmoid', { a: [4] }, ({ a }) => ops.mul(ops.tanh(a), ops.sigmoid(a))],
    ['gelu', { a: [4] }, ({ a }) => ops.gelu(a)],
    [
      'div, sqrt and log',
      { a: [4], b: [4] },
      ({ a, b }) => ops.div(ops.log(ops.add(ops.square(a), 1)), ops.sqrt(ops.add(ops.square(b), 1))),
    ],
    ['matmul', { a: [2, 3], b: [3, 2] }, ({ a, b }) => ops.matmul(a, b)],
    ['linear', { a: [2, 3], b: [2, 3], c: [2] }, ({ a, b, c }) => ops.square(ops.linear(a, b, c))],
    [
      'conv of stride 2',
      { a: [1, 2, 4, 5], b: [2, 2, 3, 3] },
      ({ a, b }) => ops.conv(a, b, undefined, { stride: 2, padding: [1, 1, 0, 1] }),
    ],
    [
      'depthwise conv',
      { a: [1, 2, 3, 3], b: [2, 1, 3, 3] },
      ({ a, b }) => ops.conv(a, b, undefined, { padding: [1, 1, 1, 1], groups: 2 }),
    ],
    [
      'convTranspose',
      { a: [1, 2, 2, 2], b: [2, 2, 3, 3] },
      ({ a, b }) => ops.convTranspose(a, b, undefined, { stride: 2 }),
    ],
    ['softmax', { a: [2, 3] }, ({ a }) => ops.softmax(a)],
    ['layerNorm', { a: [2, 4], b: [4], c: [4] }, ({ a, b, c }) => ops.layerNorm(a, b, c, 1e-3)],
    ['groupNorm', { a: [1, 4, 2, 1], b: [4], c: [4] }, ({ a, b, c }) => ops.groupNorm(a, 2, b, c, 1e-3)],
    ['attention', { a: [1, 2, 4], b: [1, 3, 4] }, ({ a, b }) => ops.attention(a, b, b, 2)],
    [
      'resize and a slice by 2',
      { a: [1, 1, 3, 4] },
      ({ a }) => ops.square(ops.slice(ops.resize(a, [4, 7], 'bicubic'), 3, 1, 7, 2)),
    ],
    ['gather', { a: [3, 2] }, ({ a }) => ops.square(ops.gather(a, 0, a.graph.constant([2, 0, 2], [3], 'int64')))],
  ]
  test.each(second)('%s', (_name, shapes, f) =>
    check(shapes, (x) => {
      const y = f(x)
      const cotangent = y.graph.constant([...numbers(y.size, 31)], y.shape)
      // ⟨cotangent, y⟩² rather than ⟨cotangent, y⟩, so that bilinear ops have a second derivative in one operand too.
      const loss = ops.square(ops.sum(ops.mul(y, cotangent)))
      return gradient(loss, Object.values(x))
        .map((g, i) => ops.sum(ops.mul(g, g.graph.constant([...numbers(g.size, 40 + i)], g.shape))))
        .reduce((a, b) => ops.add(a, b))
    }),
  )
})

test('the graph of a gradient is named after where it comes from', () => {
  const graph = new Graph()
  const x = graph.input('x', [2])
  const [dx] = gradient(ops.sum(ops.exp(x)), [x])
  expect(dx.name).toMatch(/^gradient\/mul_\d+$/)
  expect(compile({ dx }).inputs.map(({ name }) => name)).toEqual(['x'])
})
