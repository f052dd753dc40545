import { describe, expect, it } from 'vitest'
import { Graph, type Init } from '../graph/index.ts'
import { layoutOf } from './parameters.ts'
import { passesOver, stretches } from './passes.ts'

const INIT: Init = { kind: 'constant', value: 0 }
const graph = new Graph()
const SIZES = { a: 3, b: 25, c: 2, d: 4, e: 20, f: 10, g: 1, h: 7 }
for (const [name, size] of Object.entries(SIZES)) graph.parameter(name, [size], INIT)
const layout = layoutOf(graph.parameters.values())
const rates = [1, 1, 1, 2, 2, 1, 1, 1]
const decay = [0, 0.1, 0, 0, 0.1, 0.1, 0, 0.1]
const MOST = 10

const over = (still: (name: string) => boolean, most = MOST) =>
  passesOver(stretches(layout, still), layout, { rates, decay }, most)

describe('passesOver', () => {
  it('updates every value once, each with the s and w of its parameter', () => {
    for (const still of [() => false, (name: string) => name === 'c', (name: string) => 'aeh'.includes(name)]) {
      const { passes, runs, length } = over(still)
      const [s, w] = [new Float32Array(length).fill(Number.NaN), new Float32Array(length).fill(Number.NaN)]
      for (const run of runs) {
        s.fill(run.rate, run.at, run.at + run.length)
        w.fill(run.decay, run.at, run.at + run.length)
      }
      const seen = new Map<number, [number, number]>()
      for (const { offset, length, factors } of passes) {
        expect(length).toBeLessThanOrEqual(MOST)
        for (let i = 0; i < length; i++) {
          expect(seen.has(offset + i)).toBe(false)
          seen.set(offset + i, [s[factors + i], w[factors + i]])
        }
      }
      layout.entries.forEach(({ name, offset, length }, n) => {
        for (let i = offset; i < offset + length; i++)
          expect(seen.get(i), `${name} ${i}`).toEqual(still(name) ? undefined : [rates[n], Math.fround(decay[n])])
      })
    }
  })

  it('gives passes over one large parameter, or over several alike, the same arrays', () => {
    const { passes, length } = over(() => false)
    const of = (name: string) => {
      const { offset } = layout.entries.find((entry) => entry.name === name) ?? expect.fail(name)
      return passes.find((pass) => pass.offset === offset) ?? expect.fail(`no pass begins with ${name}`)
    }
    expect(of('b').factors).toBe(of('f').factors)
    expect(of('e').factors).not.toBe(of('b').factors)
    expect(length).toBeLessThan(layout.length)
  })

  it('is one pass over all where that is small enough', () => {
    expect(over(() => false, 2 ** 24)).toMatchObject({ passes: [{ offset: 0, length: layout.length, factors: 0 }] })
    expect(over(() => true)).toEqual({ passes: [], runs: [], length: 0 })
  })
})
