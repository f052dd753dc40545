import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { COLOR_MAPS, colorTable, colourise, depthRange, INVALID_COLOUR } from './colormap.ts'

const row = (...metres: number[]) => ({ width: metres.length, height: 1, data: Float32Array.from(metres) })
const pixel = ({ data }: { data: Uint8Array }, i: number) => [...data.subarray(3 * i, 3 * i + 3)]
const entry = (map: (typeof COLOR_MAPS)[number], i: number) => [...colorTable(map).subarray(3 * i, 3 * i + 3)]

describe('colorTable', () => {
  // The published end colours of each map (matplotlib's, for its own four).
  it.each([
    ['turbo', [35, 23, 27], [144, 12, 0]],
    ['inferno', [0, 0, 4], [252, 255, 164]],
    ['magma', [0, 0, 4], [252, 253, 191]],
    ['viridis', [68, 1, 84], [253, 231, 37]],
    ['cividis', [0, 32, 81], [253, 234, 69]],
    ['spectral', [94, 79, 162], [158, 1, 66]],
    ['gray', [24, 24, 24], [255, 255, 255]],
  ] as const)('%s runs from its cold or dark end to its warm or bright one', (map, first, last) => {
    expect(entry(map, 0)).toEqual(first)
    expect(entry(map, 255)).toEqual(last)
  })

  it.each(['viridis', 'cividis'] as const)('%s gets lighter all the way, for eyes that see few hues', (map) => {
    const lightness = Array.from({ length: 256 }, (_, i) => {
      const [r, g, b] = entry(map, i)
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    })
    expect(lightness.every((value, i) => i < 8 || value > lightness[i - 8])).toBe(true)
  })

  it('has no step that the eye would see as an edge', () => {
    for (const map of COLOR_MAPS) {
      const table = colorTable(map)
      expect(Math.max(...table.subarray(3).map((value, i) => Math.abs(value - table[i])))).toBeLessThan(16)
    }
  })

  it('refuses an unknown map and lists the known ones', () => {
    // @ts-expect-error a name that the type does not have
    expect(() => colorTable('jet')).toThrow(
      "no colour map 'jet'; choose one of turbo, inferno, magma, viridis, cividis, spectral, gray",
    )
    // @ts-expect-error a name that every object has
    expect(() => colorTable('toString')).toThrow(DarError)
  })
})

describe('colourise', () => {
  it('puts near at the warm end, far at the cold one, and clamps what lies outside', () => {
    const picture = colourise(row(0.1, 0.3, 10, 50))
    expect([0, 1, 2, 3].map((i) => pixel(picture, i))).toEqual([255, 255, 0, 0].map((i) => entry('turbo', i)))
  })

  it('gives each doubling of distance an equal share of the colours', () => {
    // f = ln(d/1)/ln(16): 1, 2, 4, 8, 16 m at 0, ¼, ½, ¾, 1 of the range.
    const picture = colourise(row(1, 2, 4, 8, 16), { near: 1, far: 16, map: 'viridis' })
    const wanted = [255, 191, 128, 64, 0].map((i) => entry('viridis', i))
    expect([0, 1, 2, 3, 4].map((i) => pixel(picture, i))).toEqual(wanted)
  })

  it('is linear on request, and can start at 0 m then', () => {
    const picture = colourise(row(2.5, 5), { near: 0, far: 10, scale: 'linear', map: 'magma' })
    expect(pixel(picture, 0)).toEqual(entry('magma', 191))
    expect(pixel(picture, 1)).toEqual(entry('magma', 128))
  })

  it('turns round for maps where more is worse', () => {
    expect(pixel(colourise(row(10), { warm: 'far' }), 0)).toEqual(entry('turbo', 255))
  })

  it('gives the same depth the same colour whatever else is in the picture', () => {
    expect(pixel(colourise(row(2, 3)), 0)).toEqual(pixel(colourise(row(2, 9, 0.4)), 0))
  })

  it('shows pixels without a depth in a grey that no map contains', () => {
    const picture = colourise(row(0, -1, Number.NaN, Infinity))
    for (let i = 0; i < 4; i++) expect(pixel(picture, i)).toEqual([...INVALID_COLOUR])
    const greys = COLOR_MAPS.filter((map) => map !== 'gray').flatMap((map) =>
      Array.from({ length: 256 }, (_, i) => entry(map, i).join()),
    )
    expect(greys).not.toContain(INVALID_COLOUR.join())
    expect(pixel(colourise(row(0), { map: 'gray' }), 0)).toEqual([0, 0, 0]) // black, which that map does not contain
    expect(pixel(colourise(row(0), { invalid: [1, 2, 3] }), 0)).toEqual([1, 2, 3])
  })

  it.each([
    [{ near: 5, far: 5 }, '5..5 m is empty'],
    [{ near: 5, far: 1 }, 'near must be'],
    [{ near: -1, far: 1 }, 'near must be'],
    [{ near: 0, far: 1 }, 'a log scale cannot start at 0 m'],
    [{ far: Number.NaN }, 'is empty'],
  ])('refuses the range %o', (range, message) => {
    expect(() => colourise(row(1), range)).toThrow(message)
  })
})

describe('depthRange', () => {
  it('leaves out the share of outliers asked for, and the holes', () => {
    const metres = Float32Array.from({ length: 202 }, (_, i) => (i < 101 ? 0 : i - 100))
    expect(depthRange({ width: 202, height: 1, data: metres }, { low: 0.1, high: 0.9 })).toEqual({ near: 11, far: 91 })
  })

  it('gives a flat map a range that is not empty', () => {
    const { near, far } = depthRange(row(2, 2, 2))
    expect(near).toBeLessThan(2)
    expect(far).toBeGreaterThan(2)
  })

  it('refuses a map without a valid pixel', () => {
    expect(() => depthRange(row(0, Number.NaN))).toThrow('no valid pixel')
  })
})
