import { describe, expect, it } from 'vitest'
import { Engine } from '../runtime/engine.ts'
import { compile } from './onnx.ts'
import * as ops from './ops/index.ts'
import { compileStages, cutStages } from './stages.ts'
import { Graph } from './tensor.ts'

const ZERO = { kind: 'constant', value: 0 } as const

/** x → a = tanh(x·w) → b = a² where a > 0, else a → c = b + a·x; w is two parameters put together. */
function chain() {
  const graph = new Graph()
  const x = graph.input('x', [2, 3])
  const w = ops.concat([graph.parameter('top', [1, 3], ZERO), graph.parameter('rest', [2, 3], ZERO)], 0)
  const a = ops.tanh(ops.matmul(x, w))
  const isPositive = ops.greater(a, 0)
  const b = ops.where(isPositive, ops.square(a), a)
  const c = ops.add(ops.where(isPositive, b, a), ops.matmul(ops.mul(a, x), w))
  return { x, a, b, c, w }
}

const values = new Map([
  ['top', Float32Array.of(0.5, -1, 0.25)],
  ['rest', Float32Array.of(1, 2, -0.5, 0.75, -2, 1.5)],
])
const weights = { kind: 'embedded', values } as const

describe('stages', () => {
  it('give what the whole graph gives, bit for bit, each when its turn comes', async () => {
    const { a, b, c } = chain()
    await using engine = new Engine({ threads: 1 })
    await using whole = await engine.load(compile({ a, b, c }, { weights }))
    const x = Float32Array.of(0.1, 0.2, -0.3, 1, -1, 0.5)
    const expected = await whole.run({ x })
    const known: Record<string, Float32Array> = { x }
    const seen: string[][] = []
    for (const make of compileStages([{ a }, { b }, { c }], { weights })) {
      await using program = await engine.load(make())
      const feeds = Object.fromEntries(program.inputs.map(({ name }) => [name, known[name]]))
      Object.assign(known, await program.run(feeds))
      seen.push(['a', 'b', 'c'].filter((name) => name in known))
    }
    expect(seen).toEqual([['a'], ['a', 'b'], ['a', 'b', 'c']])
    for (const name of ['a', 'b', 'c']) expect(known[name]).toEqual(expected[name])
  })

  it('carry what an earlier stage computed, float32 that depends on an input, and nothing else', () => {
    const { a, b, c, w, x } = chain()
    const [first, second, third] = cutStages([{ a }, { b }, { c }])
    expect([...first.given.keys()]).toEqual([])
    expect([...second.given.keys()]).toEqual([a])
    expect(new Set(third.given.keys())).toEqual(new Set([a, b]))
    expect(Object.values(first.outputs)).toEqual([a, a]) // its own output, and what later ones read
    expect([...third.given.keys()]).not.toContain(w)
    const inputs = compileStages([{ a }, { b }, { c }], { weights })[2]().inputs
    expect(inputs.map(({ name }) => name)).toContain(x.name)
  })

  it('take a result that an earlier stage has as it is', () => {
    const { a } = chain()
    const [, again] = cutStages([{ a }, { twice: a }])
    expect([...again.given.keys()]).toEqual([a])
  })

  it('have names of their own for the messages of the engine', () => {
    const { a, b } = chain()
    const names = compileStages([{ a }, { b }], { name: 'chain', weights }).map((make) => make().name)
    expect(names).toEqual(['chain, stage 1 of 2', 'chain, stage 2 of 2'])
  })
})
