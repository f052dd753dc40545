import { expect, test } from 'vitest'
import { parseMtl, parseObj } from './obj.ts'
import { buildShape } from './shape.ts'
import { boxObj } from './testing.ts'

const OPTIONS = { size: [1, 1, 1], rotation: null, materials: new Map(), images: new Map() } as const

/** Least and greatest of each coordinate over all corners. */
function extent(mesh: { readonly corners: Float32Array }): number[][] {
  const all: number[][] = [[], [], []]
  for (let i = 0; i < mesh.corners.length; i += 9)
    for (let k = 0; k < 3; k++) {
      const a = mesh.corners[i + k]
      all[k].push(a, a + mesh.corners[i + 3 + k], a + mesh.corners[i + 6 + k])
    }
  return all.map((v) => [Math.min(...v), Math.max(...v)])
}

test('fills [−1, 1] along every axis, whatever the size in the file', () => {
  const mesh = buildShape(parseObj(boxObj([1, 20, 0.3])), OPTIONS)
  expect(mesh && extent(mesh)).toEqual([
    [-1, 1],
    [-1, 1],
    [-1, 1],
  ])
  expect(mesh?.triangles).toBe(12)
})

test('turns y up into z up and the front, +z, into +y, without mirroring', () => {
  // A wedge whose only corner at x = 1 is at its foot and front.
  const text = 'v 0 0 0\nv 0 2 0\nv 0 0 1\nv 1 0 1\nf 1 2 3\nf 1 3 4\nf 1 4 2\nf 2 4 3\n'
  const mesh = buildShape(parseObj(text), OPTIONS)
  const corners = new Set<string>()
  for (let i = 0; i < (mesh?.corners.length ?? 0); i += 9)
    for (const edge of [0, 3, 6]) {
      const at = [0, 1, 2].map((k) => (mesh ? mesh.corners[i + k] + (edge > 0 ? mesh.corners[i + edge + k] : 0) : 0))
      corners.add(at.join(' '))
    }
  // (x, y, z) becomes (−x, z, y): the corner (1, 0, 1) lies at x −1, front +1, foot −1.
  expect(corners).toEqual(new Set(['1 -1 -1', '1 -1 1', '1 1 -1', '-1 1 -1']))
})

test('obeys the rotation of the catalogue before it measures', () => {
  // A quarter turn about the vertical: x becomes z.
  const rotation = [0, 0, 1, 0, 1, 0, -1, 0, 0]
  const text = 'v 0 0 0\nv 4 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 3 4\n'
  const mesh = buildShape(parseObj(text), { ...OPTIONS, rotation })
  // (4, 0, 0) turns to (0, 0, −4) and so to the back: y = −1.
  expect(mesh && extent(mesh)).toEqual([
    [-1, 1],
    [-1, 1],
    [-1, 1],
  ])
  const long = mesh
    ? Array.from({ length: mesh.triangles }, (_, i) => Math.abs(mesh.corners[9 * i + 4])).concat(
        Array.from({ length: mesh.triangles }, (_, i) => Math.abs(mesh.corners[9 * i + 7])),
      )
    : []
  expect(Math.max(...long)).toBe(2)
})

test('leaves out what is glass, unless all is', () => {
  const materials = parseMtl('newmtl pane\nd 0.3\nnewmtl frame\n')
  const text = 'v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nusemtl pane\nf 1 2 3\nusemtl frame\nf 1 3 4\n'
  expect(buildShape(parseObj(text), { ...OPTIONS, materials })?.triangles).toBe(1)
  expect(buildShape(parseObj(text.replace('usemtl frame', '')), { ...OPTIONS, materials })?.triangles).toBe(2)
})

test('has sharp normals on a box and round ones on a bend', () => {
  const box = buildShape(parseObj(boxObj([1, 1, 1])), OPTIONS)
  for (let i = 0; i < (box?.normals.length ?? 0); i += 3) {
    const n = Array.from(box?.normals.subarray(i, i + 3) ?? [], Math.abs).sort((a, b) => a - b)
    expect(n).toEqual([0, 0, 127])
  }
  // Two squares that meet at 0.2 rad: normals on the fold lie between those of the squares, the others do not.
  const [c, s] = [Math.cos(0.2), Math.sin(0.2)]
  const text = `v -1 0 0\nv -1 1 0\nv 0 1 0\nv 0 0 0\nv ${c} 0 ${-s}\nv ${c} 1 ${-s}\nf 1 4 3 2\nf 4 5 6 3\n`
  const bent = buildShape(parseObj(text), { ...OPTIONS, size: [1 + c, s, 1] })
  const tilts = Array.from({ length: (bent?.normals.length ?? 0) / 3 }, (_, i) =>
    Math.abs(Math.atan2(bent?.normals[3 * i] ?? 0, Math.abs(bent?.normals[3 * i + 1] ?? 1))),
  )
  expect(tilts.filter((tilt) => tilt > 0.05 && tilt < 0.15)).toHaveLength(6)
  expect(tilts.filter((tilt) => tilt < 0.01)).toHaveLength(3)
  expect(tilts.filter((tilt) => Math.abs(tilt - 0.2) < 0.01)).toHaveLength(3)
})

test('gives null where there is nothing to see', () => {
  expect(buildShape(parseObj('v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n'), OPTIONS)).toBeNull()
})

test('refuses faces without number around one corner, which would take hours to smooth', () => {
  const fan = `v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1${' 2 3 4'.repeat(60_000)}\n`
  expect(() => buildShape(parseObj(fan), OPTIONS)).toThrow(/too many faces meet in one place/)
})
