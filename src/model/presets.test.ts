import { describe, expect, test } from 'vitest'
import { Graph } from '../graph/index.ts'
import { type DarConfig, imageMultiple, parseConfig } from './config.ts'
import { buildDar } from './dar.ts'
import { PRESETS } from './presets.ts'

/** Millions of parameters. Nothing is computed: a graph of a small image declares them all. */
function millions(config: DarConfig): number {
  const graph = new Graph()
  const side = 2 * imageMultiple(config)
  buildDar(graph.input('image', [1, 3, side, side]), config)
  return [...graph.parameters.values()].reduce((total, { size }) => total + size, 0) / 1e6
}

describe('the presets have the sizes of docs/algorithm.md', () => {
  test.each([
    ['dar-small', 435.5, 440],
    ['dar-base', 964.3, 1000],
    ['dar-large', 2000.6, 2000],
    ['dar-nano-1', 5.2, 5.2],
  ])('%s: %f M', (name, exact, paper) => {
    const total = millions(PRESETS[name])
    expect(total).toBeCloseTo(exact, 1)
    expect(Math.abs(total / paper - 1)).toBeLessThan(0.05)
  })

  test('dar-lite: 33.6 M with bilinear output, 33.9 M with its own convex one', () => {
    expect(millions(parseConfig({ ...PRESETS['dar-lite'], upsample: 'bilinear' }))).toBeCloseTo(33.6, 1)
    expect(millions(PRESETS['dar-lite'])).toBeCloseTo(33.89, 2)
  })

  test('dar-nano: 3.5 M', () => {
    expect(millions(PRESETS['dar-nano'])).toBeCloseTo(3.485, 3)
  })

  test('and no others', () => {
    expect(Object.keys(PRESETS).sort()).toEqual([
      'dar-base',
      'dar-large',
      'dar-lite',
      'dar-nano',
      'dar-nano-1',
      'dar-small',
    ])
  })

  test.each([
    ['transformer', 432.9],
    ['bins', 338.6],
    ['dar', 435.5],
  ])('the ablation «%s» at small’s size: %f M', (head, exact) => {
    expect(millions(parseConfig({ ...PRESETS['dar-small'], head }))).toBeCloseTo(exact, 1)
  })
})

test('small, base and large are the paper’s Table 1', () => {
  const table = ['dar-small', 'dar-base', 'dar-large'].map((name) => PRESETS[name])
  expect(table.map(({ layers, width, heads }) => [layers, width, heads])).toEqual([
    [5, 1024, 4],
    [9, 2048, 8],
    [11, 3072, 12],
  ])
  for (const config of table)
    expect(config).toMatchObject({ steps: 5, window: { kind: 'paper', bins: 16, expand: 1 }, finalNorm: true })
})
