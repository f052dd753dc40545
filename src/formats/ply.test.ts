import { PLYLoader } from 'three/examples/jsm/loaders/PLYLoader.js'
import { describe, expect, it } from 'vitest'
import { encodePly } from './ply.ts'
import { toPointCloud } from './point-cloud.ts'
import { boxBeforeWall, camera, photo } from './testing.ts'

const read = (bytes: Uint8Array) => new PLYLoader().parse(bytes.slice().buffer)

describe('encodePly', () => {
  it('writes what three.js reads back: metres and colours', () => {
    const cloud = toPointCloud(boxBeforeWall(), camera, { rgb: photo() })
    const geometry = read(encodePly(cloud))
    expect([...geometry.getAttribute('position').array]).toEqual([...cloud.positions])
    // three.js turns sRGB into linear light: only the order of the values is compared.
    const colours = geometry.getAttribute('color')
    expect(colours.count).toBe(cloud.count)
    const redOf = (i: number) => colours.array[3 * i]
    const [dark, bright] = [0, 1, 2, 3, 4, 5]
      .sort((a, b) => photo().data[3 * a] - photo().data[3 * b])
      .filter((_, i) => i % 5 === 0)
    expect(redOf(dark)).toBeLessThan(redOf(bright))
  })

  it('has a header that ends where the points begin, and 15 bytes a point', () => {
    const cloud = toPointCloud(boxBeforeWall(), camera, { rgb: photo() })
    const bytes = encodePly(cloud, { comment: 'two\nlines' })
    const text = new TextDecoder('latin1').decode(bytes)
    expect(text.split('\n').slice(0, 4)).toEqual([
      'ply',
      'format binary_little_endian 1.0',
      'comment two lines',
      'element vertex 384',
    ])
    const start = text.indexOf('end_header\n') + 11
    expect(bytes.length - start).toBe(15 * cloud.count)
    expect([...bytes.subarray(start + 12, start + 15)]).toEqual([...photo().data.subarray(0, 3)])
  })

  it('writes points without colours, and no point at all', () => {
    const cloud = toPointCloud(boxBeforeWall(), camera)
    expect(read(encodePly(cloud)).getAttribute('color')).toBeUndefined()
    const none = encodePly({ count: 0, positions: new Float32Array(), colours: null })
    expect(new TextDecoder().decode(none)).toMatch(/element vertex 0\n[\s\S]*end_header\n$/)
  })
})
