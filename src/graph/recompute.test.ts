import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineNodes } from '../../test/engine-nodes.ts'
import { differences, evaluate, numbers, relativeError } from '../../test/op-harness.ts'
import { Engine } from '../runtime/engine.ts'
import { totalFlops } from './cost.ts'
import { gradient } from './gradient.ts'
import { memoryUse } from './memory.ts'
import { compile } from './onnx.ts'
import * as ops from './ops/index.ts'
import { type DType, Graph, nodesBehind, type Shape, sizeOf, type Tensor } from './tensor.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

type Build = (x: Readonly<Record<string, Tensor>>, span: <T>(body: () => T) => T, graph: Graph) => Tensor
interface Leaf {
  readonly shape: Shape
  readonly dtype?: DType
}

/** A loss and its gradients by the name of the float they belong to: inputs and parameters. */
function differentiated(leaves: Readonly<Record<string, Leaf>>, build: Build, checkpoints: 'keep' | 'recompute') {
  const graph = new Graph({ float: 'float64' })
  const inputs = Object.fromEntries(
    Object.entries(leaves).map(([name, { shape, dtype }]) => [name, graph.input(name, shape, dtype)]),
  )
  const loss = build(inputs, (body) => graph.checkpoint(body), graph)
  const wrt = [...Object.values(inputs).filter(({ dtype }) => dtype === 'float64'), ...graph.parameters.values()]
  const gradients = gradient(loss, wrt, { checkpoints })
  return { loss, wrt, outputs: Object.fromEntries(wrt.map(({ name }, i) => [`d${name}`, gradients[i]])) }
}

const recomputed = (outputs: Readonly<Record<string, Tensor>>) =>
  nodesBehind(Object.values(outputs)).filter(({ name }) => name.includes('recomputed/'))

const NORMAL = { kind: 'normal', deviation: 1 } as const

/** `copied`: ops that are recomputed at least. */
const cases: [string, Readonly<Record<string, Leaf>>, readonly string[], Build][] = [
  ['one span', { x: { shape: [3] } }, ['exp'], ({ x }, span) => ops.sum(ops.square(span(() => ops.exp(ops.tanh(x)))))],
  [
    'spans one after another',
    { x: { shape: [2, 3] } },
    ['tanh', 'exp'],
    ({ x }, span) => {
      let y = x
      for (let i = 0; i < 4; i++) y = span(() => ops.tanh(ops.add(ops.exp(ops.mul(y, 0.3)), x)))
      return ops.mean(ops.square(y))
    },
  ],
  [
    'spans inside a span',
    { x: { shape: [4] } },
    ['sigmoid', 'tanh'],
    ({ x }, span) => {
      const deep = (y: Tensor) => span(() => ops.mul(ops.sigmoid(y), ops.tanh(y)))
      return ops.sum(ops.square(span(() => ops.exp(deep(span(() => deep(ops.add(deep(x), x))))))))
    },
  ],
  [
    'several inputs and outputs, read by later spans, outside and by each other',
    { x: { shape: [2, 3] }, y: { shape: [3] }, unused: { shape: [3] } },
    ['exp', 'split'],
    ({ x, y, unused }, span) => {
      const [a, b, c] = span(() => {
        const both = ops.mul(ops.exp(x), y)
        const [left] = ops.split(ops.square(both), 1, [2, 1])
        return [both, ops.tanh(left), ops.sqrt(ops.add(ops.square(both), 1))]
      })
      const d = span(() => ops.add(ops.sum(ops.square(b)), ops.mul(ops.exp(ops.div(a, c)), a)))
      return ops.sum(ops.add(ops.mul(ops.mul(c, d), a), ops.mul(unused, 0.5)))
    },
  ],
  [
    'parameters inside, one of them shared between spans',
    { x: { shape: [2, 3] } },
    ['gemm', 'layerNorm', 'softmaxMatmul'],
    ({ x }, span, graph) => {
      const weight = (name: string, shape: Shape) => graph.parameter(name, shape, NORMAL)
      let y = ops.reshape(x, [1, 2, 3])
      for (let i = 0; i < 3; i++)
        y = span(() => {
          const normal = ops.layerNorm(y, weight(`scale${i}`, [3]), weight('shift', [3]), 1e-3)
          const values = ops.linear(normal, ops.mul(weight('shared', [3, 3]), 0.3))
          return ops.add(y, ops.gelu(ops.attention(normal, values, values, 1)))
        })
      return ops.sum(ops.square(y))
    },
  ],
  [
    'masks that are fed',
    { x: { shape: [2, 3] }, keep: { shape: [2, 1], dtype: 'bool' }, index: { shape: [2], dtype: 'int64' } },
    ['where', 'gather'],
    ({ x, keep, index }, span) => {
      let y = x
      for (let i = 0; i < 2; i++)
        y = span(() => ops.tanh(ops.add(ops.where(keep, ops.exp(y), 0), ops.gather(ops.square(y), 0, index))))
      return ops.sum(ops.square(y))
    },
  ],
  [
    'a stop, a comparison and a branch that no gradient takes',
    { x: { shape: [4] } },
    ['exp', 'less', 'stopGradient'],
    ({ x }, span) => {
      const y = span(() => {
        const e = ops.exp(x)
        ops.max(e) // has no gradient, and nobody reads it
        return ops.where(ops.less(e, 1), ops.mul(e, ops.stopGradient(ops.floor(ops.exp(e)))), ops.square(e))
      })
      return ops.sum(ops.mul(y, y))
    },
  ],
  [
    'a convolution and a resampling',
    { image: { shape: [1, 2, 5, 6] } },
    ['conv', 'relu'],
    ({ image }, span, graph) => {
      const kernel = graph.parameter('kernel', [2, 2, 3, 3], NORMAL)
      const padding = [1, 1, 1, 1] as const
      let y = image
      for (let i = 0; i < 2; i++)
        y = span(() => ops.add(y, ops.resize(ops.relu(ops.conv(y, kernel, undefined, { padding, stride: 2 })), [5, 6])))
      return ops.mean(ops.square(y))
    },
  ],
]

describe('recomputing a span gives the same gradient, bit for bit, which is that of central differences', () => {
  test.each(cases)('%s', async (_name, leaves, copied, build) => {
    const keep = differentiated(leaves, build, 'keep')
    const again = differentiated(leaves, build, 'recompute')
    expect(recomputed(keep.outputs)).toEqual([])
    expect(recomputed(again.outputs).map(({ op }) => op)).toEqual(expect.arrayContaining([...copied]))

    const values = (dtype: DType, size: number, i: number) => {
      if (dtype === 'bool') return [1, 0].slice(0, size)
      return dtype === 'int64' ? [1, 0] : [...numbers(size, i + 1)]
    }
    const feeds = Object.fromEntries(
      keep.wrt
        .map(({ name, size, dtype }) => ({ name, size, dtype }))
        .concat(
          Object.entries(leaves).flatMap(([name, { shape, dtype }]) =>
            dtype ? [{ name, size: sizeOf(shape), dtype }] : [],
          ),
        )
        .map(({ name, size, dtype }, i) => [name, values(dtype, size, i)]),
    )
    const exact = await evaluate(engine, keep.outputs, feeds)
    expect(await evaluate(engine, again.outputs, feeds)).toEqual(exact)
    const names = keep.wrt.map(({ name }) => name)
    const numeric = await differences(engine, keep.loss, feeds, names)
    for (const name of names) expect(relativeError(exact[`d${name}`], numeric[name]), name).toBeLessThan(1e-6)
  })

  test('values that are not finite, and −0, pass as they are', async () => {
    const build: Build = ({ x }, span) => ops.sum(span(() => ops.exp(ops.mul(x, ops.div(1, x)))))
    const of = (how: 'keep' | 'recompute') => differentiated({ x: { shape: [5] } }, build, how).outputs
    const feeds = { x: [0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1] }
    const { dx } = await evaluate(engine, of('keep'), feeds)
    expect((await evaluate(engine, of('recompute'), feeds)).dx).toEqual(dx)
    expect([...dx].some((v) => !Number.isFinite(v))).toBe(true)
  })

  test('the gradient of such a gradient is the same, too', async () => {
    const second = (checkpoints: 'keep' | 'recompute') => {
      const graph = new Graph({ float: 'float64' })
      const x = graph.input('x', [3])
      const y = graph.checkpoint(() => ops.mul(ops.tanh(ops.exp(x)), x))
      const [dx] = gradient(ops.sum(ops.square(y)), [x], { checkpoints })
      return { ddx: gradient(ops.sum(ops.square(dx)), [x])[0] }
    }
    const feeds = { x: [0.3, -1, 0.7] }
    const exact = await evaluate(engine, second('keep'), feeds)
    const again = await evaluate(engine, second('recompute'), feeds)
    expect(relativeError(again.ddx, exact.ddx)).toBeLessThan(1e-14)
  })

  test('a tensor inside a span may be asked for', async () => {
    const build = (checkpoints: 'keep' | 'recompute') => {
      const graph = new Graph({ float: 'float64' })
      const x = graph.input('x', [2])
      let inside = x
      const y = graph.checkpoint(() => {
        inside = ops.exp(x)
        return ops.mul(inside, inside)
      })
      const [di, dx] = gradient(ops.sum(ops.square(y)), [inside, x], { checkpoints })
      return { di, dx }
    }
    const feeds = { x: [0.3, -1] }
    expect(await evaluate(engine, build('recompute'), feeds)).toEqual(await evaluate(engine, build('keep'), feeds))
  })
})

describe('marks alone', () => {
  test('change no byte of the compiled graph', () => {
    const bytes = (span: <T>(graph: Graph, body: () => T) => T) => {
      const graph = new Graph()
      const x = graph.input('x', [3])
      const [dx] = gradient(ops.sum(span(graph, () => ops.exp(ops.tanh(x)))), [x])
      return compile({ dx }).model
    }
    expect(bytes((graph, body) => graph.checkpoint(body))).toEqual(bytes((_, body) => body()))
  })

  test('end with their body, also when it fails', () => {
    const graph = new Graph()
    const x = graph.input('x', [3])
    const fail = () => {
      throw new Error('stopped')
    }
    expect(() => graph.checkpoint(() => graph.checkpoint(fail))).toThrow('stopped')
    expect(ops.exp(x).node?.span).toBeNull()
    expect(() => graph.replacing(new Map([[x, ops.tanh(x)]]), fail)).toThrow('stopped')
    expect(ops.exp(x).node?.inputs).toEqual([x])
  })
})

/** Twelve blocks that each keep about ten maps of 64 kB, and the step of their weights. */
function tower(checkpoints: 'keep' | 'recompute') {
  const graph = new Graph()
  const x = graph.input('x', [256, 64])
  let y = x
  for (let i = 0; i < 12; i++) {
    const w = graph.parameter(`w${i}`, [64, 64], NORMAL)
    y = graph.checkpoint(() => {
      let z = y
      for (let j = 0; j < 3; j++) z = ops.tanh(ops.exp(ops.mul(ops.linear(z, w), 0.1)))
      return ops.add(y, z)
    })
  }
  const loss = ops.mean(ops.square(y))
  const parameters = [...graph.parameters.values()]
  const gradients = gradient(loss, parameters, { checkpoints })
  return { loss, ...Object.fromEntries(parameters.map(({ name }, i) => [`d${name}`, gradients[i]])) }
}

describe('a tower of spans', () => {
  const [keep, again] = [tower('keep'), tower('recompute')]
  const memory = (outputs: Readonly<Record<string, Tensor>>) =>
    memoryUse(Object.values(outputs), { parameters: 'fed' }).activations

  test('needs a third of the memory, and no more arithmetic than a second forward pass', () => {
    expect(memory(again)).toBeLessThan(memory(keep) / 3)
    const flops = (outputs: Readonly<Record<string, Tensor>>) =>
      totalFlops(Object.values(outputs), { parameters: 'fed' })
    expect(flops(again)).toBeGreaterThan(flops(keep))
    expect(flops(again)).toBeLessThanOrEqual(flops(keep) + flops({ loss: keep.loss }))
  })

  test('is not undone by the engine: it keeps the copies, and runs them when their gradient is there', async () => {
    const order = await engineNodes(compile(again).model)
    const kept = await engineNodes(compile(keep).model)
    const count = (nodes: readonly { type: string }[], type: string) =>
      nodes.filter((node) => node.type === type).length
    expect([count(kept, 'Exp'), count(kept, 'Tanh')]).toEqual([36, 36])
    expect([count(order, 'Exp'), count(order, 'Tanh')]).toEqual([72, 72])
    // Between the copies of two spans lie all products of the first one's gradient: one for x and one for w of each of its three layers.
    const spans = order.flatMap(({ name }, i) => (/recomputed\/exp/.test(name) ? [i] : []))
    const products = order.flatMap(({ name, type }, i) =>
      type === 'Gemm' && name.startsWith('gradient/gemm') ? [i] : [],
    )
    for (let n = 1; n < 12; n++)
      expect(products.filter((i) => i > spans[3 * n - 1] && i < spans[3 * n])).toHaveLength(6)
  })

  test('equal nodes with equal inputs are merged by the engine, which is why the copies have others', async () => {
    const graph = new Graph()
    const x = graph.input('x', [4])
    const twice = ops.mul(ops.exp(x), ops.neg(ops.exp(x)))
    expect((await engineNodes(compile({ twice }).model)).filter(({ type }) => type === 'Exp')).toHaveLength(1)
  })
})
