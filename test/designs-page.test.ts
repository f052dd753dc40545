import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compareTable, type Line, memoryTable, parseLines, shapeTable, timeTable } from '../scripts/designs/report.ts'

const read = (name: string) => readFileSync(new URL(`../docs/log/${name}`, import.meta.url), 'utf8')

describe('the tables of the designs', () => {
  const lines = parseLines(read('designs.jsonl'))
  const page = read('designs.md')

  it.each([
    ['by heart', memoryTable],
    ['by set', compareTable],
    ['by shape', shapeTable],
    ['in milliseconds', timeTable],
  ])('on their page are those that the lines give, %s', (_, table) => {
    const text = table(lines)
    expect(text.length).toBeGreaterThan(3)
    expect(page).toContain(text.join('\n'))
  })

  it('have seeds side by side, weights of the loss after the design, and a dash for a set that a row lacks', () => {
    const row = (name: string, seed: string, sets: readonly string[]): Line => ({
      command: 'compare',
      name,
      seed,
      updates: 1,
      images: 8,
      seconds: 1,
      perUpdate: 1,
      flops: 2,
      steps: [0.25],
      figures: Object.fromEntries(
        sets.map((set) => [set, { abs_rel: 0.25, d1: 0.5, silog: 20, boundary_f1: 0 } as never]),
      ),
    })
    const table = compareTable([
      row('halved+edges=0.6', '5', ['own', 'rooms']),
      row('halved', '6', ['rooms']),
      row('halved', '5', ['rooms']),
      row('dpt', '6', ['rooms']),
    ])
    expect(table.map((line) => line.replaceAll(/^\| | \|$/g, '').split(' | '))).toEqual([
      ['design', 'seed', 'pictures', 'GFLOPs', 'rooms, abs_rel of D_1 … D_K', 'rooms', 'own'],
      Array(7).fill('---'),
      ['`dpt`', '6', '8', '2.00', '.250', '.250 .500', '-'],
      ['`halved`', '5', '8', '2.00', '.250', '.250 .500', '-'],
      ['`halved`', '6', '8', '2.00', '.250', '.250 .500', '-'],
      ['`halved+edges=0.6`', '5', '8', '2.00', '.250', '.250 .500', '.250 .500'],
    ])
  })
})
