import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DepthImage } from '../image/types.ts'
import { addTile, blendWeights, fitTile, keepMeans, layoutTiles, type TileGrid, tilesOf } from './tiles.ts'

const size = fc.record({ width: fc.integer({ min: 200, max: 900 }), height: fc.integer({ min: 200, max: 900 }) })
const shape = fc.constantFrom({ width: 256, height: 192 }, { width: 192, height: 256 }, { width: 320, height: 160 })
const layout = fc.record({
  shape,
  across: fc.integer({ min: 10, max: 60 }).map((n) => n / 10),
  overlap: fc.integer({ min: 1, max: 8 }).map((n) => n / 10),
  token: fc.constantFrom({ width: 0, height: 0 }, { width: 8, height: 8 }),
})

describe('layoutTiles', () => {
  it('covers every picture, edge to edge, with tiles of one size that overlap as asked', () => {
    fc.assert(
      fc.property(size, layout, (image, options) => {
        const { x, y } = layoutTiles(image, options)
        for (const [axis, whole] of [
          [x, image.width],
          [y, image.height],
        ] as const) {
          const { starts, length } = axis
          expect(starts[0]).toBe(0)
          expect(starts[starts.length - 1] + length).toBe(whole)
          for (let i = 1; i < starts.length; i++) {
            expect(starts[i]).toBeGreaterThan(starts[i - 1])
            // Starts are whole pixels, which may cost one.
            expect(starts[i - 1] + length - starts[i]).toBeGreaterThanOrEqual(options.overlap * length - 1)
          }
        }
      }),
    )
  })

  it('gives tiles the shape of the network, the limiting side 1/across of the picture', () => {
    const grid = layoutTiles(
      { width: 4000, height: 3000 },
      { shape: { width: 256, height: 192 }, across: 4, overlap: 0.5 },
    )
    expect([grid.x.length, grid.y.length]).toEqual([1000, 750])
    expect(grid.x.starts).toEqual([0, 500, 1000, 1500, 2000, 2500, 3000])
    expect(tilesOf(grid).length).toBe(49)
    const panorama = layoutTiles(
      { width: 4000, height: 800 },
      { shape: { width: 256, height: 192 }, across: 2, overlap: 0.5 },
    )
    expect([panorama.x.length, panorama.y.length]).toEqual([534, 400])
  })

  it('lays the token grids of neighbours between each other, and keeps the shape of the network to a percent', () => {
    const [shape, token] = [
      { width: 256, height: 192 },
      { width: 8, height: 8 },
    ]
    for (const across of [2, 3, 4]) {
      const grid = layoutTiles({ width: 4000, height: 3000 }, { shape, across, overlap: 0.5, token })
      for (const [{ starts, length }, side] of [
        [grid.x, shape.width],
        [grid.y, shape.height],
      ] as const)
        for (let i = 1; i < starts.length; i++) {
          const tokens = ((starts[i] - starts[i - 1]) * side) / length / 8
          expect(Math.abs(tokens - Math.floor(tokens) - 0.5)).toBeLessThan(0.05)
        }
      expect(Math.abs(Math.log((grid.x.length / grid.y.length) * (192 / 256)))).toBeLessThan(0.015)
    }
  })
})

describe('blendWeights', () => {
  it('add up to 1 at every pixel, are 1 where one tile is alone, and are smooth', () => {
    fc.assert(
      fc.property(size, layout, (image, options) => {
        const { x } = layoutTiles(image, options)
        const sum = new Float64Array(image.width)
        const weights = blendWeights(x)
        weights.forEach((of, i) => {
          of.forEach((weight, at) => {
            expect(weight).toBeGreaterThanOrEqual(0)
            sum[x.starts[i] + at] += weight
          })
        })
        for (const value of sum) expect(value).toBeCloseTo(1, 5)
        expect(weights[0][0]).toBe(1)
      }),
    )
    const [first, second] = blendWeights({ starts: [0, 50], length: 100 })
    for (let i = 1; i < 100; i++) expect(Math.abs(first[i] - first[i - 1])).toBeLessThan(0.04)
    expect(first[49]).toBe(1)
    expect(second[60]).toBe(1)
  })
})

/** ln d of a smooth scene at any place of the picture, x and y from 0 to 1. */
const scene = (x: number, y: number) => 0.5 + x + 0.4 * y + 0.3 * Math.sin(5 * x) * Math.cos(4 * y)
const IMAGE = { width: 240, height: 180 }

function mapOf(width: number, height: number, value: (x: number, y: number) => number): DepthImage {
  const data = Float32Array.from({ length: width * height }, (_, i) =>
    value(((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height),
  )
  return { width, height, data }
}

/** What the tiles of a grid make together; `wrong` changes what a tile sees. */
function blended(grid: TileGrid, wrong: (value: number, index: number) => number): DepthImage {
  const global = mapOf(64, 48, scene)
  const sum = { ...IMAGE, data: new Float32Array(IMAGE.width * IMAGE.height) }
  const [weightsX, weightsY] = [blendWeights(grid.x), blendWeights(grid.y)]
  tilesOf(grid).forEach(({ column, row, ...crop }, index) => {
    const tile = mapOf(64, 48, (u, v) =>
      wrong(scene((crop.left + u * crop.width) / IMAGE.width, (crop.top + v * crop.height) / IMAGE.height), index),
    )
    const offset = fitTile(tile, global, crop, IMAGE)
    addTile(sum, tile, crop, { offset, x: weightsX[column], y: weightsY[row] })
  })
  return sum
}

const GRID = layoutTiles(IMAGE, { shape: { width: 64, height: 48 }, across: 3, overlap: 0.5 })

describe('fitTile and addTile', () => {
  it('give the scene back, whatever scale each tile has', () => {
    const map = blended(GRID, (value, index) => value + Math.sin(index))
    const truth = mapOf(IMAGE.width, IMAGE.height, scene)
    const worst = Math.max(...map.data.map((value, i) => Math.abs(value - truth.data[i])))
    expect(worst).toBeLessThan(0.02)
  })

  it('leave no seam where tiles disagree: steps across borders are no larger than elsewhere', () => {
    // Every tile bends the scene in its own way, which no scale and shift mends.
    const map = blended(GRID, (value, index) => value + 0.1 * Math.sin(3 * value + index))
    const borders = new Set(GRID.x.starts.flatMap((start) => [start, start + GRID.x.length]))
    const steps = { at: [] as number[], elsewhere: [] as number[] }
    for (let y = 0; y < IMAGE.height; y += 3)
      for (let x = 1; x < IMAGE.width; x++) {
        const step = Math.abs(map.data[y * IMAGE.width + x] - map.data[y * IMAGE.width + x - 1])
        steps[borders.has(x) ? 'at' : 'elsewhere'].push(step)
      }
    expect(steps.at.length).toBeGreaterThan(100)
    const largest = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(0.99 * values.length)]
    expect(largest(steps.at)).toBeLessThanOrEqual(1.05 * largest(steps.elsewhere))
  })

  it('is not led astray by a third of a tile', () => {
    const crop = { left: 0, top: 0, width: 240, height: 180 }
    const tile = mapOf(64, 48, (u, v) => (u < 0.33 ? 3 : scene(u, v) - 1))
    expect(fitTile(tile, mapOf(64, 48, scene), crop, IMAGE)).toBeCloseTo(1, 2)
  })
})

describe('keepMeans', () => {
  const global = mapOf(64, 48, scene)
  const detail = (x: number, y: number) => 0.2 * Math.sign(Math.sin(150 * x) * Math.sin(110 * y))

  it('keeps details, and takes what is wide from the global map', () => {
    const map = mapOf(IMAGE.width, IMAGE.height, (x, y) => 2 - 0.5 * x + Math.cos(3 * y) + detail(x, y))
    const truth = mapOf(IMAGE.width, IMAGE.height, (x, y) => scene(x, y) + detail(x, y))
    const error = () => map.data.reduce((sum, value, i) => sum + Math.abs(value - truth.data[i]), 0) / map.data.length
    expect(error()).toBeGreaterThan(0.5)
    keepMeans(map, global)
    // What is left lies at the picture's edges, where there is no cell beyond.
    expect(error()).toBeLessThan(0.1)
    const step = (at: number) => Math.abs(map.data[at] - map.data[at - 1] - (truth.data[at] - truth.data[at - 1]))
    const row = 90 * IMAGE.width
    for (let x = 1; x < IMAGE.width; x++) expect(step(row + x)).toBeLessThan(0.03)
  })

  it('leaves a map alone that has these means', () => {
    const map = mapOf(IMAGE.width, IMAGE.height, scene)
    keepMeans(map, global)
    const truth = mapOf(IMAGE.width, IMAGE.height, scene)
    expect(Math.max(...map.data.map((value, i) => Math.abs(value - truth.data[i])))).toBeLessThan(0.01)
  })

  it('takes maps smaller than a cell', () => {
    const map = mapOf(5, 4, () => 1)
    keepMeans(
      map,
      mapOf(3, 2, () => 3),
    )
    expect([...map.data].every((value) => Math.abs(value - 3) < 1e-6)).toBe(true)
  })
})
