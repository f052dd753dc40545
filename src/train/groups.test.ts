import { describe, expect, it } from 'vitest'
import { tinyConfig, tinyMobile } from '../../test/tiny-config.ts'
import { decays, encoderLayer, multiplierOf, rateFactors } from './groups.ts'
import { modelLayout } from './step-program.ts'

const SIZE = { height: 64, width: 64 }
const vit = modelLayout(tinyConfig(), SIZE)
const mobile = modelLayout(tinyMobile(), SIZE)
const stem = modelLayout(tinyConfig({ stem: 'conv' }), SIZE)

describe('rateFactors', () => {
  const factors = (layout: typeof vit, layerDecay: number, multipliers: Record<string, number> = {}) => {
    const all = rateFactors(layout, { layerDecay, multipliers })
    return new Map(layout.entries.map(({ name }, i) => [name, all[i]]))
  }

  it('gives block i of a ViT of L the factor d^(L − i), and its embedding d^(L + 1)', () => {
    const [d, L] = [0.75, 4]
    const all = factors(vit, d)
    for (const i of [0, 1, 2, 3])
      for (const name of ['attn.qkv.weight', 'norm1.bias', 'mlp.fc2.weight'])
        expect(all.get(`encoder.blocks.${i}.${name}`)).toBe(d ** (L - i))
    for (const name of ['cls_token', 'pos_embed', 'patch_embed.weight'])
      expect(all.get(`encoder.${name}`)).toBe(d ** (L + 1))
    expect(all.get('encoder.norm.weight')).toBe(1)
    expect(factors(stem, d).get('encoder.patch_embed.0.weight')).toBe(d ** (L + 1))
  })

  it('gives features.n of MobileNetV2 the factor d^(18 − n)', () => {
    const all = factors(mobile, 0.9)
    expect(all.get('encoder.features.0.0.weight')).toBe(0.9 ** 18)
    expect(all.get('encoder.features.7.conv.1.0.weight')).toBe(0.9 ** 11)
    expect(all.get('encoder.features.17.conv.2.bias')).toBe(0.9)
  })

  it('knows every parameter of an encoder, and leaves all others at their multiplier', () => {
    for (const layout of [vit, mobile, stem]) {
      const all = factors(layout, 0.5, { 'neck.': 0.3 })
      for (const { name } of layout.entries)
        if (!name.startsWith('encoder.')) expect(all.get(name), name).toBe(name.startsWith('neck.') ? 0.3 : 1)
    }
    expect(() => encoderLayer('encoder.stages.3.weight')).toThrow('encoder.stages.3.weight is in no known layer')
  })

  it('multiplies decay and multiplier, and is the multiplier alone without decay', () => {
    expect(factors(vit, 0.5, { 'encoder.': 0.2 }).get('encoder.blocks.2.attn.proj.bias')).toBe(0.2 * 0.25)
    for (const [name, factor] of factors(mobile, 1, { 'encoder.features.3.': 0, 'encoder.': 0.3 }))
      expect(factor).toBe(multiplierOf(name, { 'encoder.features.3.': 0, 'encoder.': 0.3 }))
  })
})

describe('decays', () => {
  const plain = { decayVectors: false, noDecay: [] }
  const names = (rule: Parameters<typeof decays>[1]) =>
    new Set(vit.entries.filter((entry) => decays(entry, rule)).map(({ name }) => name))

  it('takes weights of two axes and more, and no biases, norms and scales', () => {
    const chosen = names(plain)
    expect(vit.entries.every(({ name, shape }) => chosen.has(name) === shape.length >= 2)).toBe(true)
    expect(chosen.has('encoder.blocks.0.attn.qkv.weight')).toBe(true)
    expect(chosen.has('encoder.cls_token')).toBe(true) // 1,1,E: it has always decayed
    expect(chosen.has('encoder.norm.weight')).toBe(false)
  })

  it('takes vectors, too, or leaves more out, where a recipe says so', () => {
    expect(names({ ...plain, decayVectors: true }).size).toBe(vit.entries.length)
    const without = names({ ...plain, noDecay: ['encoder.cls_token', 'encoder.pos_embed'] })
    expect(names(plain).size - without.size).toBe(2)
    expect(names({ decayVectors: true, noDecay: ['encoder.'] }).has('encoder.norm.bias')).toBe(false)
  })
})
