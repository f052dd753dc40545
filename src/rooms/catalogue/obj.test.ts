import { expect, test } from 'vitest'
import { parseMtl, parseObj } from './obj.ts'

test('cuts polygons into fans, and counts corners from either end', () => {
  const obj = parseObj('v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\nf 1/1/1 2//1 -2 -1/1\n')
  expect(obj.triangles).toEqual([0, 0, 0, 1, -1, 0, 2, -1, -1, 0, 0, 0, 2, -1, -1, 3, 0, -1])
  expect(obj.material).toEqual([0, 0])
  expect(obj.materialNames).toEqual([''])
})

test('keeps the material of each face, and the files that materials are in', () => {
  const obj = parseObj(
    'mtllib my materials.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl red\nf 1 2 3\nusemtl blue sky\r\nf 3 2 1\nusemtl red\nf 1 3 2\n',
  )
  expect(obj.libraries).toEqual(['my materials.mtl'])
  expect(obj.materialNames).toEqual(['red', 'blue sky'])
  expect(obj.material).toEqual([0, 1, 0])
})

test('goes on after a backslash at the end of a line', () => {
  expect(parseObj('v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 \\\n 3\n').material).toEqual([0])
})

test('names the line of a face whose corner is not there', () => {
  expect(() => parseObj('v 0 0 0\nv 1 0 0\nf 1 2 7\n')).toThrow(/line 3/)
  expect(() => parseObj('v 0 0 0\nf 1 2 x\n')).toThrow(/line 2/)
  expect(() => parseObj('v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2.5 3\n')).toThrow(/line 4/)
})

test('reads colours, opacity, shininess and images of materials', () => {
  const materials = parseMtl(
    'newmtl a\nKd 0.1 0.2 0.3\nd 0.4\nNs 50\nmap_Kd -s 2 2 2 wood.jpg\nnewmtl b\nKd none\nmap_Kd oak wood.png\n',
  )
  expect(materials.get('a')).toEqual({ colour: [0.1, 0.2, 0.3], opacity: 0.4, shininess: 50, image: 'wood.jpg' })
  expect(materials.get('b')).toEqual({ colour: [0.8, 0.8, 0.8], opacity: 1, shininess: 10, image: 'oak wood.png' })
})

test('reads a text of a million materials in time that grows with its length', () => {
  const names = Array.from({ length: 1_000_000 }, (_, i) => `m${i}`)
  expect(parseObj(names.map((name) => `usemtl ${name}`).join('\n')).materialNames).toHaveLength(1_000_000)
})
