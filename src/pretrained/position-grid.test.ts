import { expect, test } from 'vitest'
import { positionTable, resizePositions } from './position-grid.ts'

test.each([
  ['a square and a class token', 1 + 37 * 37, null, [16, 16], { grid: [37, 37], classRows: 1 }],
  ['the stated grid before a square', 17, [2, 8], [4, 4], { grid: [2, 8], classRows: 1 }],
  ['a square before the assumed grid', 17, null, [2, 8], { grid: [4, 4], classRows: 1 }],
  ['the assumed grid before a square without a class token', 9, null, [2, 4], { grid: [2, 4], classRows: 1 }],
  ['a square without a class token', 196, null, [37, 37], { grid: [14, 14], classRows: 0 }],
  ['a stated grid that does not fit is no grid', 17, [5, 5], [4, 4], { grid: [4, 4], classRows: 1 }],
  ['nothing', 8, null, [4, 4], null],
] as const)('a table is of %s', (_, rows, stated, assumed, expected) => {
  expect(positionTable(rows, { stated, assumed })).toEqual(expected)
})

test('a table is resized channel by channel with Keys’ weights of a = −0.75, borders repeated', () => {
  // One row of four, two channels: the second is the first times ten. Twice as wide, output j looks at j/2 − 1/4.
  const line = [1, 2, 4, 8]
  const values = Float32Array.from([100, 200, ...line.flatMap((v) => [v, 10 * v])])
  const cubic = (t: number) => {
    const [a, s] = [-0.75, Math.abs(t)]
    if (s <= 1) return (a + 2) * s ** 3 - (a + 3) * s ** 2 + 1
    return s < 2 ? a * (s ** 3 - 5 * s ** 2 + 8 * s - 4) : 0
  }
  const at = (j: number) => {
    const u = (j + 0.5) / 2 - 0.5
    let total = 0
    for (let k = -3; k < 8; k++) total += cubic(u - k) * line[Math.min(Math.max(k, 0), 3)]
    return total
  }
  const resized = resizePositions(values, 2, { grid: [1, 4], classRows: 1 }, [3, 8])
  expect([...resized.slice(0, 2)]).toEqual([100, 200])
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 8; j++) {
      expect(resized[2 + 2 * (8 * i + j)]).toBeCloseTo(at(j), 5)
      expect(resized[3 + 2 * (8 * i + j)]).toBeCloseTo(10 * at(j), 4)
    }
})
