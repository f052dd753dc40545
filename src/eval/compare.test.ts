import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { Random } from '../support/random.ts'
import { compare } from './compare.ts'
import { FIGURES } from './judge.ts'
import { namedProtocol } from './presets.ts'
import { describeProtocol, type Protocol } from './protocol.ts'
import { type EvalRecord, readRecord } from './record.ts'

/** A record whose frames all have the same figures, `of(i)`. */
function recordOf(
  of: (i: number) => number,
  { count = 40, protocol = namedProtocol('indoor') as Protocol } = {},
): EvalRecord {
  const frames = Array.from({ length: count }, (_, i) => ({
    name: `made/${i}`,
    metrics: Object.fromEntries(FIGURES.map((name) => [name, of(i)])),
  }))
  return {
    format: 'dar-eval/1',
    data: { name: 'made' },
    model: null,
    predictions: null,
    protocol: { ...protocol },
    protocolText: describeProtocol(protocol),
    images: count,
    metrics: frames[0].metrics,
    frames,
  }
}

describe('compare', () => {
  const random = new Random(2)
  const base = Array.from({ length: 40 }, () => random.uniform(0.1, 0.5))

  it('finds a small difference that is the same in every image, and says which way is better', () => {
    const { differences, images } = compare(
      recordOf((i) => base[i]),
      recordOf((i) => base[i] - 0.01),
    )
    expect(images).toBe(40)
    for (const { figure, difference, low, high, verdict } of differences) {
      expect(difference).toBeCloseTo(-0.01, 12)
      expect([low, high].every((end) => Math.abs(end + 0.01) < 1e-12)).toBe(true)
      expect(verdict, figure).toBe(/^d\d|boundary/.test(figure) ? 'worse' : 'better')
    }
  })

  it('calls two runs of one model alike, though rounding makes one a little worse everywhere', () => {
    const again = compare(
      recordOf((i) => base[i]),
      recordOf((i) => base[i] * (1 + 1e-6)),
    )
    const same = compare(
      recordOf((i) => base[i]),
      recordOf((i) => base[i]),
    )
    for (const { verdict, figure } of [...again.differences, ...same.differences])
      expect(verdict, figure).toBe('undecided')
  })

  it('leaves noise undecided, with an interval of the width that theory gives', () => {
    const noise = base.map(() => random.normal(0, 0.1))
    const centred = noise.map((value) => value - noise.reduce((sum, one) => sum + one, 0) / 40)
    const [{ low, high, verdict }] = compare(
      recordOf((i) => base[i]),
      recordOf((i) => base[i] + centred[i]),
    ).differences
    const deviation = Math.sqrt(centred.reduce((sum, one) => sum + one * one, 0) / 40)
    expect(verdict).toBe('undecided')
    expect((high - low) / (2 * 1.96 * (deviation / Math.sqrt(40)))).toBeCloseTo(1, 1)
  })

  it('gives the same interval for the same seed', () => {
    const [a, b] = [recordOf((i) => base[i]), recordOf((i) => base[(i + 1) % 40])]
    expect(compare(a, b)).toEqual(compare(a, b))
    expect(compare(a, b, { seed: 2 }).differences[0].low).not.toBe(compare(a, b).differences[0].low)
  })

  it('pairs by name and counts what only one has', () => {
    const { images, onlyA, onlyB } = compare(
      recordOf(() => 1, { count: 5 }),
      recordOf(() => 1, { count: 3 }),
    )
    expect([images, onlyA, onlyB]).toEqual([3, 2, 0])
  })

  it('refuses different protocols, pooled figures and nothing in common', () => {
    const one = recordOf(() => 1)
    const named = { ...namedProtocol('indoor'), name: 'another' }
    expect(() =>
      compare(
        one,
        recordOf(() => 1, { protocol: named }),
      ),
    ).not.toThrow()
    expect(() =>
      compare(
        one,
        recordOf(() => 1, { protocol: namedProtocol('nyu-eigen') }),
      ),
    ).toThrow(/different protocols/)
    const pooled = recordOf(() => 1, { protocol: { ...namedProtocol('indoor'), averaging: 'pixel' } })
    expect(() => compare(pooled, pooled)).toThrow(/pooled over pixels/)
    expect(() => compare(one, { ...one, frames: [] })).toThrow(/no image in common/)
  })
})

describe('a record that is none', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await temporaryFolder()
  })

  it.each([
    ['no JSON', '{'],
    ['another JSON', '{"metrics": {}}'],
  ])('is refused: %s', async (_, text) => {
    const path = join(folder, 'a.json')
    await writeFile(path, text)
    await expect(readRecord(path)).rejects.toThrow(/a\.json is not a record of dar eval/)
  })
})
