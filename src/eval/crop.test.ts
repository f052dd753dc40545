import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseSafetensors } from '../safetensors/index.ts'
import { DarError } from '../support/errors.ts'
import { type Box, eigenBox, gargBox, kbBox, wholeBox } from './crop.ts'

const path = new URL('../../test/fixtures/protocol.safetensors', import.meta.url)
const fixture = parseSafetensors(readFileSync(path), 'protocol').tensors
const values = (name: string) => Array.from(fixture.get(name)?.data ?? [], Number)
const edges = ({ top, bottom, left, right }: Box) => [top, bottom, left, right]

describe('boxes equal the reference', () => {
  it('Eigen at 640x480', () => {
    expect(edges(eigenBox(640, 480))).toEqual(values('trace/eigen_480x640'))
  })

  it.each([
    [352, 1216],
    [375, 1242],
    [370, 1226],
    [376, 1241],
  ])('Garg and KB at %dx%d (rows x columns)', (h, w) => {
    expect(edges(gargBox(w, h))).toEqual(values(`trace/garg_${h}x${w}`))
    expect(edges(kbBox(w, h))).toEqual(values(`trace/kb_${h}x${w}`))
  })
})

it('the Garg box has the pixels of the reference’s mask', () => {
  const [w, h] = [124, 37]
  const { top, bottom, left, right } = gargBox(w, h)
  const inside = (x: number, y: number) => x >= left && x < right && y >= top && y < bottom
  const mask = Array.from({ length: w * h }, (_, i) => Number(inside(i % w, Math.floor(i / w))))
  expect(mask).toEqual(values('trace/garg_mask_37x124'))
})

it('the Eigen box has 426×560 pixels and the whole box all of them', () => {
  const count = ({ top, bottom, left, right }: Box) => (bottom - top) * (right - left)
  expect(count(eigenBox(640, 480))).toBe(426 * 560)
  expect(count(wholeBox(7, 5))).toBe(35)
})

it('refuses sizes that a crop is not defined for', () => {
  expect(() => eigenBox(480, 640)).toThrow(DarError)
  expect(() => eigenBox(480, 640)).toThrow(/480x640/)
  expect(() => kbBox(1215, 352)).toThrow(/1215x352/)
})
