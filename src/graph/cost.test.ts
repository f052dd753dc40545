import { describe, expect, it } from 'vitest'
import { flopsBy, nodesPerRun, totalFlops } from './cost.ts'
import { gradient } from './gradient.ts'
import * as ops from './ops/index.ts'
import { Graph, type Init, type Tensor } from './tensor.ts'

const ZEROS: Init = { kind: 'constant', value: 0 }

/** Multiply-adds of a convolution by visiting every output value, every weight that it meets and every input channel. */
function countConv(
  batch: number,
  outputs: number,
  rows: number,
  cols: number,
  perGroup: number,
  kernel: number,
): number {
  let count = 0
  for (let b = 0; b < batch; b++)
    for (let o = 0; o < outputs; o++)
      for (let p = 0; p < rows * cols; p++) for (let i = 0; i < perGroup; i++) count += kernel * kernel
  return count
}

describe('FLOPs of an op are two per multiply-add', () => {
  const cases: [string, (graph: Graph) => Tensor, number][] = [
    ['matmul 2×3 · 3×5', (g) => ops.matmul(g.input('a', [2, 3]), g.input('b', [3, 5])), 2 * 2 * 3 * 5],
    [
      'matmul with a broadcast batch',
      (g) => ops.matmul(g.input('a', [4, 1, 2, 3]), g.input('b', [6, 3, 5])),
      2 * 4 * 6 * 2 * 3 * 5,
    ],
    [
      'linear on 2,7 rows',
      (g) => ops.linear(g.input('x', [2, 7, 3]), g.input('w', [5, 3]), g.input('b', [5])),
      2 * 14 * 3 * 5,
    ],
    [
      'gemm with both transposed',
      (g) => ops.gemm(g.input('a', [3, 2]), g.input('b', [5, 3]), { transA: true, transB: true }),
      2 * 2 * 3 * 5,
    ],
    [
      'attention: q·kᵀ and p·v, whatever the number of heads',
      (g) => ops.attention(g.input('q', [2, 3, 8]), g.input('k', [2, 5, 8]), g.input('v', [2, 5, 8]), 4),
      2 * 2 * (2 * 3 * 5 * 8),
    ],
    [
      'conv 3×3, stride 2, two groups',
      (g) =>
        ops.conv(g.input('x', [2, 4, 9, 7]), g.input('w', [6, 2, 3, 3]), undefined, {
          stride: 2,
          padding: [1, 1, 1, 1],
          groups: 2,
        }),
      2 * countConv(2, 6, 5, 4, 2, 3),
    ],
    [
      'transposed conv ×2: each input pixel meets every weight',
      (g) => ops.convTranspose(g.input('x', [1, 3, 4, 5]), g.input('w', [3, 2, 2, 2]), undefined, { stride: 2 }),
      2 * (4 * 5) * (3 * 2 * 2 * 2),
    ],
    [
      'bilinear resize as the engine runs it, two products, the cheaper order',
      (g) => ops.resize(g.input('x', [1, 3, 4, 6]), [8, 12]),
      2 * 3 * (8 * 4 * 6 + 8 * 6 * 12),
    ],
    ['element-wise work', (g) => ops.softmax(ops.gelu(ops.mul(g.input('x', [10, 10]), 3))), 0],
  ]
  it.each(cases)('%s', (_, build, flops) => {
    expect(totalFlops([build(new Graph())])).toBe(flops)
  })

  it('a linear layer’s gradient costs twice its forward pass', () => {
    const graph = new Graph()
    const x = graph.input('x', [7, 3])
    const w = graph.parameter('w', [5, 3], ZEROS)
    const loss = ops.sum(ops.square(ops.linear(x, w)))
    const forward = 2 * 7 * 3 * 5
    expect(totalFlops(gradient(loss, [w, x]), { parameters: 'fed' })).toBe(3 * forward)
  })

  it('so does a convolution’s, and its weight gradient alone costs once', () => {
    const graph = new Graph()
    const x = graph.input('x', [2, 3, 6, 6])
    const w = graph.parameter('w', [4, 3, 3, 3], ZEROS)
    const y = ops.conv(x, w, undefined, { padding: [1, 1, 1, 1] })
    const forward = totalFlops([y])
    expect(forward).toBe(2 * countConv(2, 4, 6, 6, 3, 3))
    const loss = ops.sum(ops.square(y))
    expect(totalFlops(gradient(loss, [w]), { parameters: 'fed' })).toBe(2 * forward)
    expect(totalFlops(gradient(loss, [w, x]), { parameters: 'fed' })).toBe(3 * forward)
  })
})

describe('what a run computes', () => {
  const build = () => {
    const graph = new Graph()
    const w = graph.parameter('w', [4, 4], ZEROS)
    const folded = ops.matmul(w, w)
    const x = graph.input('x', [3, 4])
    const y = graph.scope('late', () =>
      ops.matmul(
        graph.scope('early', () => ops.matmul(x, folded)),
        w,
      ),
    )
    return { y }
  }

  it('leaves out what depends on no input, unless parameters are fed', () => {
    const { y } = build()
    expect(totalFlops([y])).toBe(2 * 2 * 3 * 4 * 4)
    expect(totalFlops([y], { parameters: 'fed' })).toBe(2 * (2 * 3 * 4 * 4 + 4 * 4 * 4))
    expect(nodesPerRun([y]).map(({ op }) => op)).toEqual(['matmul', 'matmul'])
  })

  it('is added up by any key', () => {
    const { y } = build()
    const sums = flopsBy([y], ({ name }) => name.split('/').at(-2))
    expect([...sums]).toEqual([
      ['early', 96],
      ['late', 96],
    ])
  })

  it('counts a node once that two outputs need', () => {
    const { y } = build()
    expect(totalFlops([ops.neg(y), ops.exp(y)])).toBe(totalFlops([y]))
  })
})
