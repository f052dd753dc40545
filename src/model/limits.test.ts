import { describe, expect, it } from 'vitest'
import { TINY } from '../../test/tiny-model.ts'
import { configSchema, dimensionsOf, flatConfig, parseConfig } from './config.ts'
import type { FlatConfig } from './flat-config.ts'
import { limitProblems, shapeProblem } from './limits.ts'
import { PRESETS } from './presets.ts'

const NUMBERS = Object.entries(flatConfig(TINY)).flatMap(([field, value]) =>
  typeof value === 'number' && field !== 'seed' ? [field] : [],
)

describe('limitProblems', () => {
  it.each(NUMBERS)('bounds %s', (field) => {
    for (const value of [1e7, 1e9, 1e300])
      expect(() => parseConfig({ ...TINY, [field]: value }, 'x.json')).toThrow(new RegExp(`^x.json: .*${field}`))
  })

  it.each([
    ['posGrid', [1e5, 1e5]],
    ['sizes', Array(5).fill([1e6, 1e6])],
    ['sizes', Array(1e5).fill([1, 1])],
    ['neckChannels', [1e9, 1, 1, 1]],
    ['taps', [0, 1, 2, 1e9]],
    ['stepWeights', Array(1e5).fill(1)],
  ])('bounds the list %s', (field, value) => {
    expect(() => parseConfig({ steps: 5, [field]: value }, 'x.json')).toThrow(/^x.json: /)
  })

  it('lets every preset through with room to spare', () => {
    for (const preset of Object.values(PRESETS)) {
      const config = flatConfig(preset)
      expect(limitProblems(config)).toEqual([])
      const doubled = { ...config, width: 2 * config.width, memoryWidth: 2 * config.memoryWidth, bins: 4 * config.bins }
      expect(limitProblems(doubled)).toEqual([])
    }
  })

  it('finds fields wherever they stand', () => {
    expect(limitProblems({ encoder: { parts: [{ bins: 1e9 }] } })).toEqual([
      { path: 'encoder.parts.0.bins', message: expect.stringContaining('from 1 to 4096') },
    ])
  })

  it('ends on what is deep or long', () => {
    let deep: unknown = 1
    for (let i = 0; i < 1e5; i++) deep = { deep }
    expect(limitProblems(deep)).toHaveLength(1)
    expect(limitProblems(Array(1e6).fill(1e9))).toHaveLength(1)
    expect(limitProblems({ ['x'.repeat(1e6)]: 1e9 })[0].path.length).toBeLessThan(100)
  })

  it('an unknown field of any length is named in a message of bounded length', () => {
    const message = (() => {
      try {
        parseConfig({ [`step${'1e9'.repeat(1e5)}`]: 1 }, 'x.json')
      } catch (error) {
        return String(error)
      }
    })()
    expect(message).toMatch(/x\.json: config: has no field .{0,3}step1e91e9/)
    expect(message?.length).toBeLessThan(2100)
  })

  it('is part of the schema, so that recipes are bounded too', () => {
    expect(configSchema.safeParse({ bins: 1e9 }).success).toBe(false)
  })
})

describe('shapeProblem', () => {
  const tensors = (count: number, axis: number) =>
    new Map(Array.from({ length: count }, (_, i) => [`t${i}`, { shape: [axis, 1] }] as const))
  const of = (config: Partial<FlatConfig>, count = 400, axis = 1536) =>
    shapeProblem(dimensionsOf(parseConfig({ ...TINY, ...config })), tensors(count, axis))

  it('compares widths and depths with what is there', () => {
    expect(of({})).toBeNull()
    expect(of({ memoryWidth: 8192 })).toMatch(/memoryWidth is 8192, but no tensor has an axis longer than 1536/)
    expect(of({ bins: 4096 })).toMatch(/bins is 4096/)
    expect(of({ layers: 63 }, 200)).toMatch(/layers is 63, but there are only 200 tensors/)
    expect(of({ encoder: 'vit', posGrid: [256, 256] })).toMatch(/posGrid is 65537/)
  })

  it('leaves out what the head does not use', () => {
    expect(of({ window: 'soft', upsample: 'bilinear', bins: 4096, leaves: 64 })).toBeNull()
    expect(of({ head: 'dpt', upsample: 'bilinear', memoryWidth: 8192, width: 16384 })).toBeNull()
  })

  it('bounds the code of token maps that the config gives', () => {
    expect(of({ sizes: [[512, 512], [512, 512]], memoryWidth: 1536 })).toMatch(/524288 cells/) // biome-ignore format: one line
  })
})
