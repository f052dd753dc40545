import { describe, expect, it } from 'vitest'
import { lineChart } from './charts.ts'

const line = (points: readonly (readonly [number, number])[]) => ({ label: 'a "b"', colour: '#123456', points })
const heights = (svg: string) =>
  [...(/ d="([^"]*)"/.exec(svg)?.[1] ?? '').matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y))
const ticks = (svg: string) => [...svg.matchAll(/text-anchor="end">([^<]*)</g)].map(([, text]) => Number(text))

describe('lineChart', () => {
  it('has equal steps for equal factors on a log scale, round ticks around all points, and no point at 0', () => {
    const svg = lineChart(
      [
        line([
          [0, 0.03],
          [1, 0.3],
          [2, 3],
          [3, 30],
          [4, 0],
        ]),
      ],
      { x: 'x', y: 'y', yScale: 'log' },
    )
    const ys = heights(svg)
    expect(ys).toHaveLength(4)
    for (let i = 2; i < ys.length; i++) expect(ys[i - 1] - ys[i]).toBeCloseTo(ys[0] - ys[1], 0)
    expect(ticks(svg)).toEqual([0.01, 0.1, 1, 10, 100])
  })

  it('has 2 and 5 on a log scale of less than two decades, and two ticks for a single value', () => {
    expect(
      ticks(
        lineChart(
          [
            line([
              [0, 3],
              [1, 8],
            ]),
          ],
          { x: '', y: '', yScale: 'log' },
        ),
      ),
    ).toEqual([2, 5, 10])
    expect(ticks(lineChart([line([[0, 3]])], { x: '', y: '', yScale: 'log' }))).toEqual([2, 5])
    expect(heights(lineChart([line([[0, 10]])], { x: '', y: '', yScale: 'log' }))).toHaveLength(1)
  })

  it('says in attributes how to read it, if asked', () => {
    const points = [
      [0, 1],
      [10, 5],
    ] as const
    const svg = lineChart([line(points)], { x: '', y: '', readable: true })
    expect(svg).toContain('data-x="0,10 linear"')
    expect(svg).toContain('data-label="a &quot;b&quot;"')
    const [left, top, width, height] = (/data-plot="([^"]*)"/.exec(svg)?.[1] ?? '').split(',').map(Number)
    const [low, high] = (/data-y="([^" ]*) linear"/.exec(svg)?.[1] ?? '').split(',').map(Number)
    expect(heights(svg).map((y) => low + (1 - (y - top) / height) * (high - low))).toEqual([
      expect.closeTo(1, 1),
      expect.closeTo(5, 1),
    ])
    expect([left, width].every(Number.isFinite)).toBe(true)
    expect(lineChart([line(points)], { x: '', y: '' })).not.toContain('data-')
  })
})
