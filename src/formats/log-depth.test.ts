import { describe, expect, it } from 'vitest'
import { decodeLogDepthPng } from '../data/readers/moge.ts'
import { encodeLogDepthPng } from '../node/png16.ts'
import { DarError } from '../support/errors.ts'
import { logDepth } from './log-depth.ts'

const row = (...metres: number[]) => ({ width: metres.length, height: 1, data: Float32Array.from(metres) })

describe('logDepth', () => {
  it('spreads the range over 1 to 65534, with 0 for nothing and 65535 for infinitely far', () => {
    const { values, near, far } = logDepth(row(0.5, 8, 2, 0, Number.NaN, -1, Number.POSITIVE_INFINITY))
    expect([near, far]).toEqual([0.5, 8])
    // 2 m is half of 0.5 to 8 m on a logarithmic scale.
    expect([...values]).toEqual([1, 65534, 1 + Math.round(65533 / 2), 0, 0, 0, 65535])
  })

  it('takes a flat map and an empty one', () => {
    expect(logDepth(row(2, 2))).toMatchObject({ near: 2, far: 2 * 1.1, values: Uint16Array.of(1, 1) })
    expect(logDepth(row(0, 0)).values).toEqual(Uint16Array.of(0, 0))
  })
})

describe('encodeLogDepthPng', () => {
  it('is read back by the reader of MoGe’s sets, within half a step', async () => {
    const metres = Float32Array.from({ length: 40 * 30 }, (_, i) => (i % 31 === 0 ? 0 : 0.1 * 200 ** (i / 1200)))
    const read = await decodeLogDepthPng(await encodeLogDepthPng({ width: 40, height: 30, data: metres }))
    expect([read.width, read.height]).toEqual([40, 30])
    const halfStep = Math.log(200) / 131066
    for (let i = 0; i < metres.length; i++) {
      if (metres[i] === 0) expect(read.data[i]).toBe(0)
      else expect(Math.abs(Math.log(read.data[i] / metres[i]))).toBeLessThan(1.02 * halfStep)
    }
  })

  it('refuses what is no map', async () => {
    await expect(encodeLogDepthPng({ width: 3, height: 1, data: new Float32Array(2) })).rejects.toThrow(DarError)
  })
})
