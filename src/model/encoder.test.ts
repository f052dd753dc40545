import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { Graph, nodesBehind } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import { type DarConfig, parseConfig } from './config.ts'
import { dropBranches, encode, normaliseImage } from './encoder.ts'
import { defaultTaps } from './vit.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const tiny = (fields: Record<string, unknown> = {}) =>
  parseConfig({ encoderWidth: 32, encoderDepth: 4, encoderHeads: 2, posGrid: [3, 4], patch: 8, ...fields })

function built(config: DarConfig, [h, w]: readonly [number, number]) {
  const graph = new Graph()
  const trace = new Map()
  const taps = encode(graph, graph.input('image', [2, 3, h, w]), config, trace)
  return { graph, trace, taps, shapes: taps.map(({ shape }) => shape) }
}

describe('pixels', () => {
  test('go to ImageNet’s statistics for the ViT, to [−1, 1] for MobileNetV2', async () => {
    const graph = new Graph({ float: 'float64' })
    const rgb = graph.input('rgb', [1, 3, 1, 1])
    const result = await evaluate(
      engine,
      {
        vit: normaliseImage(rgb, parseConfig({})),
        mobile: normaliseImage(rgb, parseConfig({ encoder: 'mobilenetv2' })),
      },
      { rgb: [0, 0.5, 1] },
    )
    const expected = [(0 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    result.vit.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i], 12)
    })
    expect([...result.mobile]).toEqual([-1, 0, 1])
  })
})

describe('the ViT', () => {
  test('taps a quarter, a half, three quarters and all of its depth, or Depth Anything’s blocks of 24', () => {
    expect([4, 6, 12, 24].map(defaultTaps)).toEqual([
      [0, 1, 2, 3],
      [0, 2, 3, 5],
      [2, 5, 8, 11],
      [4, 11, 17, 23],
    ])
  })

  test('taps the blocks that the config names', () => {
    const { taps } = built(tiny({ encoderDepth: 6, taps: [1, 2, 4, 5] }), [8, 8])
    const blocks = taps.map(
      (tap) => new Set(nodesBehind([tap]).flatMap(({ name }) => /encoder\.blocks\.(\d+)\./.exec(name)?.[1] ?? [])).size,
    )
    expect(blocks).toEqual([2, 3, 5, 6])
  })

  test('uses the position table as it is stored when the grid is its own', () => {
    const resized = (size: readonly [number, number]) =>
      nodesBehind([built(tiny(), size).trace.get('encoder.embed')]).filter(({ op }) => op === 'matmul').length
    expect([resized([24, 32]), resized([24, 40]), resized([40, 40])]).toEqual([0, 1, 2])
  })

  test('has a convolution for each halving in its convolutional stem', () => {
    const { graph, shapes } = built(tiny({ stem: 'conv' }), [16, 24])
    const stem = [...graph.parameters].filter(([name]) => /patch_embed.*weight/.test(name))
    expect(stem.map(([name, { shape }]) => [name, shape])).toEqual([
      ['encoder.patch_embed.0.weight', [8, 3, 3, 3]],
      ['encoder.patch_embed.1.weight', [16, 8, 3, 3]],
      ['encoder.patch_embed.2.weight', [32, 16, 3, 3]],
    ])
    expect(shapes[0]).toEqual([2, 32, 2, 3])
  })

  test('has layer scales only if the config has them', () => {
    const gammas = (layerScale: boolean) =>
      [...built(tiny({ layerScale }), [8, 8]).graph.parameters.keys()].filter((name) => name.endsWith('gamma')).length
    expect([gammas(true), gammas(false)]).toEqual([8, 0])
  })

  test('refuses sizes that are no multiples of its patch', () => {
    expect(() => built(tiny(), [16, 20])).toThrow(
      'encode(image:float32[2,3,16,20]): height and width must be multiples of 8',
    )
  })
})

describe('MobileNetV2', () => {
  const mobile = parseConfig({ encoder: 'mobilenetv2' })

  test('gives a pyramid at strides 4, 8, 16 and 32', () => {
    expect(built(mobile, [64, 96]).shapes).toEqual([
      [2, 24, 16, 24],
      [2, 32, 8, 12],
      [2, 96, 4, 6],
      [2, 320, 2, 3],
    ])
  })

  test('rounds odd sizes up, as TensorFlow’s SAME padding does', () => {
    expect(built(mobile, [65, 88]).shapes.map((shape) => shape.slice(2))).toEqual([
      [17, 22],
      [9, 11],
      [5, 6],
      [3, 3],
    ])
  })

  test('pads even sizes at the bottom and right only, odd ones on every side', () => {
    const padding = (size: readonly [number, number]) => {
      const stem = nodesBehind([built(mobile, size).taps[0]])[0]
      const attributes: Record<string, unknown>[] = []
      stem.emit(
        {
          node: (_type, _inputs, _outputs, given = {}) => {
            attributes.push({ ...given })
            return ['']
          },
          constant: () => '',
          ints: () => '',
          scalar: () => '',
          result: () => '',
        },
        ['x', 'w', 'b'],
        ['y'],
      )
      return attributes[0].pads
    }
    expect([padding([64, 96]), padding([65, 97]), padding([64, 97])]).toEqual([
      [0, 0, 1, 1],
      [1, 1, 1, 1],
      [0, 1, 1, 1],
    ])
  })

  test('is as wide as its multiplier says', () => {
    const quarter = parseConfig({ encoder: 'mobilenetv2', encoderMultiplier: 0.25 })
    expect(built(quarter, [32, 32]).shapes.map((shape) => shape[1])).toEqual([6, 8, 24, 80])
  })

  test('has the stages that it is given: hidden channels rounded down, taps at the ends of stages', () => {
    const stages = [
      [1, 16, 1],
      [6, 24, 1],
      [1.5, 32, 2],
      [4, 64, 1],
      [2, 40, 2],
      [1, 48, 1],
      [3, 50, 1],
    ]
    const cut = parseConfig({ encoder: 'mobilenetv2', encoderStages: stages })
    const { graph, shapes } = built(cut, [64, 96])
    expect(shapes).toEqual([
      [2, 24, 16, 24],
      [2, 32, 8, 12],
      [2, 40, 4, 6],
      [2, 50, 2, 3],
    ])
    const widths = ['features.3.conv.0.0', 'features.4.conv.0.0'].map(
      (name) => graph.parameters.get(`encoder.${name}.weight`)?.shape,
    )
    expect(widths).toEqual([
      [36, 24, 1, 1],
      [48, 32, 1, 1],
    ])
    expect(() => parseConfig({ encoder: 'mobilenetv2', encoderStages: stages.slice(1) })).toThrow(/encoderStages/)
    expect(() => parseConfig({ encoder: 'mobilenetv2', encoderStages: [[1, 16, 99], ...stages.slice(1)] })).toThrow(
      /encoderStages/,
    )
  })

  test('refuses what is no image of three channels', () => {
    const graph = new Graph()
    expect(() => encode(graph, graph.input('image', [1, 1, 32, 32]), mobile, new Map())).toThrow(
      'encode(image:float32[1,1,32,32]): needs an image B,3,H,W',
    )
  })
})

describe('stochastic depth', () => {
  const [SIZE, rate] = [[32, 32] as const, 0.5]

  /** The four taps where every branch of every image has the number `u`; null: without stochastic depth. */
  async function taps(config: DarConfig, u: number | null, change: Record<string, number> = {}) {
    const graph = new Graph({ float: 'float64' })
    const image = graph.input('image', [1, 3, ...SIZE])
    const draws =
      u === null ? null : graph.constant(Array<number>(dropBranches(config)).fill(u), [1, dropBranches(config)])
    const outputs = encode(graph, image, config, new Map(), draws && { draws, rate })
    const weights = someWeights(graph)
    for (const [name, factor] of Object.entries(change)) weights[name] = weights[name].map((v) => factor * v)
    const named = Object.fromEntries(outputs.map((tap, i) => [`tap${i}`, tap]))
    return Object.values(await evaluate(engine, named, { image: numbers(image.size), ...weights }))
  }

  test('of a ViT that skips all it can is its first block alone', async () => {
    const [first, ...others] = await taps(tiny(), 0)
    const [expected] = await taps(tiny(), null)
    expect(relativeError(first, expected)).toBeLessThan(1e-12)
    for (const other of others) expect(relativeError(other, first)).toBeLessThan(1e-12)
  })

  test('of a ViT that skips nothing enlarges block l of L by 1/(1 − p·l/(L − 1))', async () => {
    const factors = [1, 2, 3].map((l) => 1 / (1 - (rate * l) / 3))
    const scales = factors.flatMap((factor, i) =>
      ['ls1', 'ls2'].map((ls) => [`encoder.blocks.${i + 1}.${ls}.gamma`, factor]),
    )
    const [kept, expected] = [await taps(tiny(), 0.99), await taps(tiny(), null, Object.fromEntries(scales))]
    kept.forEach((tap, i) => {
      expect(relativeError(tap, expected[i])).toBeLessThan(1e-12)
    })
  })

  test('of MobileNetV2 skips or enlarges blocks that have a way around them, and no others', async () => {
    const mobile = parseConfig({ encoder: 'mobilenetv2', encoderMultiplier: 0.25 })
    const [n, layer] = [9, 'conv.2'] // features.9, l = 8 of 17
    const change = (factor: number, of = n) =>
      Object.fromEntries(['weight', 'bias'].map((kind) => [`encoder.features.${of}.${layer}.${kind}`, factor]))
    const skipped = await taps(mobile, 0)
    expect(await taps(mobile, 0, change(3))).toEqual(skipped)
    expect(await taps(mobile, 0, change(3, 7))).not.toEqual(skipped) // of stride 2
    // Nothing skipped: what stochastic depth enlarges can be undone in the weights.
    const residual = [3, 5, 6, 8, 9, 10, 12, 13, 15, 16]
    const undone = Object.assign({}, ...residual.map((of) => change(1 - (rate * (of - 1)) / 16, of)))
    const [kept, plain] = [await taps(mobile, 0.99, undone), await taps(mobile, null)]
    kept.forEach((tap, i) => {
      expect(relativeError(tap, plain[i])).toBeLessThan(1e-12)
    })
  })
})
