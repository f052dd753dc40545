import { describe, expect, test } from 'vitest'
import { DarError } from '../support/errors.ts'
import { configText, flatConfig, imageMultiple, parseConfig, usesBins, usesTokens } from './config.ts'
import { flatSchema } from './flat-config.ts'
import { PRESETS } from './presets.ts'

describe('a config', () => {
  test('that says nothing is the paper’s on the small encoder', () => {
    expect(parseConfig({})).toMatchObject({
      head: { kind: 'dar' },
      encoder: { kind: 'vit', width: 384, taps: null },
      steps: 5,
      window: { kind: 'paper', bins: 16, expand: 1 },
      binGrid: 'memory',
      form: 'cached',
      upsample: 'bilinear',
      dMin: 0.1,
      dMax: 10,
      sizes: null,
    })
  })

  test('written before a switch existed has it off', () => {
    expect(parseConfig({})).toMatchObject({ finalNorm: false, finest: 1, stepWeights: null, hiddenNorm: false })
    const tree = { kind: 'soft', leaves: 64, fine: false, detail: false, detailGrid: 'image' }
    expect(parseConfig({ window: 'soft' }).window).toEqual(tree)
    expect(parseConfig({}).neckUnits).toBe(2)
    expect(parseConfig({ head: 'dpt' }).head).toMatchObject({ kind: 'dpt', norm: false })
  })

  test('survives JSON unchanged', () => {
    const config = parseConfig({
      sizes: [
        [1, 2],
        [3, 4],
      ],
      steps: 2,
      taps: [0, 1, 2, 3],
      encoderDepth: 4,
      context: true,
    })
    expect(parseConfig(JSON.parse(configText(config)))).toEqual(config)
  })

  test('names stages of its own in a file, and is as before where it has none', () => {
    const encoderStages = [
      ...[
        [1, 16, 1],
        [6, 24, 2],
        [6, 32, 3],
        [4, 64, 4],
      ],
      ...[
        [3, 96, 3],
        [2, 160, 3],
        [3, 96, 1],
      ],
    ]
    const config = parseConfig({ encoder: 'mobilenetv2', encoderStages })
    expect(parseConfig(JSON.parse(configText(config)))).toEqual(config)
    expect(configText(parseConfig({ encoder: 'mobilenetv2' }))).not.toContain('encoderStages')
  })

  test('names later switches in a file only where they are on, so that earlier versions read the others', () => {
    const plain = configText(parseConfig({}))
    for (const name of ['neckUnits', 'detailGrid', 'tokenContext']) expect(plain).not.toContain(name)
    const on = { encoder: 'mobilenetv2', window: 'soft', fine: true, detail: true, detailGrid: 'half', neckUnits: 1 }
    const config = parseConfig(on)
    expect(JSON.parse(configText(config))).toMatchObject({ detailGrid: 'half', neckUnits: 1 })
    expect(parseConfig(JSON.parse(configText(config)))).toEqual(config)
  })

  test('has in memory the options of its own encoder, head and window, and no others', () => {
    const config = parseConfig({ encoder: 'mobilenetv2', encoderMultiplier: 0.5, head: 'dorn', ordinalBins: 9 })
    expect(config.encoder).toEqual({ kind: 'mobilenetv2', multiplier: 0.5, stages: null })
    expect(config.head).toEqual({ kind: 'dorn', bins: 9 })
    expect(parseConfig({ expand: 2 }).window).toEqual({ kind: 'paper', bins: 16, expand: 2 })
    for (const owned of ['patch', 'encoderMultiplier', 'ordinalBins', 'bins', 'leaves'])
      expect(config).not.toHaveProperty(owned)
  })

  test.each(Object.entries(PRESETS))(
    'goes into files flat, every field in the order of the schema: %s',
    (_name, config) => {
      const flat = flatConfig(config)
      expect(Object.keys(flat)).toEqual(Object.keys(flatSchema.shape))
      expect(flatSchema.parse(flat)).toEqual(flat)
      expect(parseConfig(flat)).toEqual(config)
    },
  )

  test('may be changed by the flat names of fields, which stand above its objects', () => {
    const nano = PRESETS['dar-nano']
    expect(parseConfig({ ...nano, leaves: 32 })).toEqual({ ...nano, window: { ...nano.window, leaves: 32 } })
    expect(parseConfig({ ...nano, head: 'bins' }).head).toEqual({ kind: 'bins' })
    expect(parseConfig({ ...nano, encoder: 'vit', patch: 16 }).encoder).toMatchObject({
      kind: 'vit',
      patch: 16,
      depth: 12,
    })
    expect(parseConfig({ encoder: { kind: 'vit', depth: 24 } })).toEqual(parseConfig({ encoderDepth: 24 }))
  })

  test.each<[string, unknown, string]>([
    [
      'an even number of layers with long skips',
      { layers: 4 },
      'layers: long skips pair the blocks around a middle one, so 4 layers must be odd',
    ],
    ['a far end that no camera sees', { dMax: 1e30 }, 'dMax: is 1e+30; it must be from 0.001 to 10000'],
    ['a far end at infinity', { dMax: Number.POSITIVE_INFINITY }, 'dMax: must be a number'],
    ['a near end of nothing', { dMin: 1e-30 }, 'dMin: is 1e-30; it must be from 0.001 to 10000'],
    ['a depth range the wrong way round', { dMin: 10, dMax: 1 }, 'dMax: must be above dMin = 10'],
    ['heads that do not divide the encoder', { encoderHeads: 5 }, 'encoderHeads: must divide encoderWidth = 384'],
    ['heads that do not divide the decoder', { heads: 7 }, 'heads: must divide width = 384'],
    ['a memory width that is no multiple of 16', { memoryWidth: 200 }, 'memoryWidth: must be a multiple of 16'],
    ['sizes of other steps', { sizes: [[1, 1]], steps: 2 }, 'sizes: must name 2 sizes, one per step'],
    [
      'a stem whose patch is no power of two',
      { stem: 'conv', patch: 14 },
      'patch: a convolutional stem needs a power of two',
    ],
    ['taps beyond the depth', { taps: [1, 3, 5, 12] }, 'taps: must be four blocks in ascending order, from 0 to 11'],
    [
      'taps before the first block',
      { taps: [-1, 3, 5, 7] },
      'taps: must be four blocks in ascending order, from 0 to 11',
    ],
    ['a tap twice', { taps: [3, 3, 5, 7] }, 'taps: must be four blocks in ascending order, from 0 to 11'],
    [
      'an encoder too shallow to tap four times',
      { encoderDepth: 3 },
      'encoderDepth: must be 4 or more, one block for each tap',
    ],
    ['leaves that do not halve to whole bins', { window: 'soft', leaves: 40 }, 'leaves: must be a multiple of 16'],
    ['a soft tree without bins', { head: 'transformer', window: 'soft' }, 'window: soft is a tree of bins'],
    ['a last re-weighing of hard windows', { fine: true }, 'fine: needs window: soft'],
    [
      'two last maps',
      { window: 'soft', fine: true, detail: true, upsample: 'convex' },
      'upsample: convex and detail are both a last map',
    ],
    [
      'fine features in no groups',
      { window: 'soft', fine: true, neckFeatures: 40 },
      'neckFeatures: must be a multiple of 16',
    ],
    ['a context ahead of nothing', { contextGrid: 'ahead' }, 'contextGrid: ahead needs context: true'],
    ['a view for tokens that are not there', { head: 'bins', tokenContext: true }, 'tokenContext: is of tokens'],
    ['three units of a fusion', { neckUnits: 3 }, 'neckUnits'],
    [
      'detail at half of the image of a ViT',
      { window: 'soft', fine: true, detail: true, detailGrid: 'half' },
      'detailGrid: half needs detail: true and encoder: mobilenetv2',
    ],
    [
      'half of no detail',
      { encoder: 'mobilenetv2', window: 'soft', fine: true, detailGrid: 'half' },
      'detailGrid: half needs detail: true',
    ],
    ['detail of nothing', { window: 'soft', detail: true }, 'detail: needs fine: true'],
    ['weights of other steps', { stepWeights: [1, 2] }, 'stepWeights: must name 5 factors, one per term of the loss'],
    [
      'a finest map beside sizes',
      { finest: 2, steps: 1, sizes: [[1, 1]] },
      'finest: has no meaning beside explicit sizes',
    ],
    ['a norm of another head', { dptNorm: true }, 'dptNorm: true is of the dpt head, not of dar'],
    [
      'a norm in no groups',
      { head: 'dpt', dptNorm: true, neckFeatures: 40 },
      'dptNorm: its groups divide half of neckFeatures',
    ],
    ['no steps', { steps: 0 }, 'steps: '],
    ['half a bin', { bins: 16.5 }, 'bins: '],
    ['a negative expansion', { expand: -1 }, 'expand: '],
    ['depth 0', { dMin: 0 }, 'dMin: '],
    [
      'a window that is not known',
      { window: 'narrow' },
      'window: must be one of paper, neighbourhood, elastic, fixed, soft',
    ],
    ['an encoder that is not known', { encoder: 'resnet' }, 'encoder: must be one of vit, mobilenetv2'],
    ['a misspelt field', { step: 5 }, 'config: has no field step'],
    [
      'a field of another kind of encoder',
      { encoder: { kind: 'vit', leaves: 3 } },
      'config: has no field encoder.leaves',
    ],
    ['leaves without a tree', { leaves: 32 }, 'leaves: 32 is of window: soft, not of paper'],
    ['three neck widths', { neckChannels: [1, 2, 3] }, 'neckChannels'],
    ['a size of three numbers', { posGrid: [1, 2, 3] }, 'posGrid'],
    ['no object', 'dar-nano', 'config: must be an object, not string'],
  ])('with %s is refused, naming the file, the field and what it must be', (_name, value, message) => {
    const parse = () => parseConfig(value, 'model.safetensors')
    expect(parse).toThrow(DarError)
    expect(parse).toThrow(`model.safetensors: ${message}`)
  })

  test('with several mistakes names all of them', () => {
    expect(() => parseConfig({ layers: 2, heads: 5 }, 'x.json')).toThrow(/^x\.json: layers: .*; heads: must divide/)
  })

  test('may have an even number of layers without long skips, and a shallow ViT that it does not use', () => {
    expect(parseConfig({ layers: 4, longSkip: false }).layers).toBe(4)
    expect(parseConfig({ encoder: 'mobilenetv2', encoderDepth: 1 }).encoder.kind).toBe('mobilenetv2')
  })
})

test('what a config uses', () => {
  const heads = (['dar', 'transformer', 'bins'] as const).map((head) => parseConfig({ head }))
  expect(heads.map(usesTokens)).toEqual([true, true, false])
  expect(heads.map(usesBins)).toEqual([true, false, true])
  expect([{}, { patch: 16 }, { encoder: 'mobilenetv2' }].map((c) => imageMultiple(parseConfig(c)))).toEqual([
    14, 16, 16,
  ])
})
