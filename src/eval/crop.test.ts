import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseSafetensors } from '../safetensors/index.ts'
import { DarError } from '../support/errors.ts'
import { type Box, boxMask, eigenBox, gargBox, kbBox, wholeBox } from './crop.ts'

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

  it('as a mask', () => {
    expect([...boxMask(gargBox(124, 37), 124, 37)]).toEqual(values('trace/garg_mask_37x124'))
  })
})

it('the Eigen mask has 426×560 pixels and the whole box all of them', () => {
  const count = (mask: Uint8Array) => mask.reduce((sum, v) => sum + v, 0)
  expect(count(boxMask(eigenBox(640, 480), 640, 480))).toBe(426 * 560)
  expect(count(boxMask(wholeBox(7, 5), 7, 5))).toBe(35)
})

it('a mask ignores what lies outside the image', () => {
  expect([...boxMask({ top: -3, bottom: 1, left: 1, right: 9 }, 3, 2)]).toEqual([0, 1, 1, 0, 0, 0])
})

it('refuses sizes that a crop is not defined for', () => {
  expect(() => eigenBox(480, 640)).toThrow(DarError)
  expect(() => eigenBox(480, 640)).toThrow(/480x640/)
  expect(() => kbBox(1215, 352)).toThrow(/1215x352/)
})
