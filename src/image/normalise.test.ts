import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { normalisePlanes } from './normalise.ts'

const { normalise }: { normalise: { planes: number[]; imagenet: number[]; symmetric: number[] } } = JSON.parse(
  readFileSync(new URL('../../test/fixtures/image/goldens.json', import.meta.url), 'utf8'),
)
const planes = Float32Array.from(normalise.planes)

describe('normalisePlanes', () => {
  it.each(['imagenet', 'symmetric'] as const)('agrees with numpy over a batch of two, %s', (scaling) => {
    const out = normalisePlanes(planes, scaling, { pixels: 6 })
    for (const [i, value] of normalise[scaling].entries()) expect(out[i]).toBeCloseTo(value, 5)
  })

  it('maps 0, ½ and 1 to −1, 0 and 1', () => {
    expect([...normalisePlanes(Float32Array.of(0, 0.5, 1), 'symmetric')]).toEqual([-1, 0, 1])
  })

  it('leaves its input alone unless told to write there', () => {
    const input = Float32Array.of(0, 0.5, 1)
    normalisePlanes(input, 'imagenet')
    expect([...input]).toEqual([0, 0.5, 1])
    normalisePlanes(input, 'symmetric', { out: input })
    expect([...input]).toEqual([-1, 0, 1])
  })

  it('refuses a length that is not whole images', () => {
    expect(() => normalisePlanes(new Float32Array(10), 'imagenet')).toThrow('check the layout')
    expect(() => normalisePlanes(new Float32Array(12), 'imagenet', { pixels: 3 })).toThrow('check the layout')
  })
})
