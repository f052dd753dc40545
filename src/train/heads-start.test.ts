/** Every head on every encoder begins alive: at a depth that is neither end of its range, with a gradient that reaches all of it. */
import { afterAll, describe, expect, it } from 'vitest'
import { renderRoom } from '../data/index.ts'
import { compile, Graph, gradient, type Tensor } from '../graph/index.ts'
import { toPlanes } from '../image/index.ts'
import { buildDar, type DarConfig, normaliseImage, parseConfig, stepLosses, total } from '../model/index.ts'
import { Engine } from '../runtime/engine.ts'
import { initialise, layoutOf } from './parameters.ts'
import { parseRecipe } from './recipe.ts'
import { MICRO_MODEL, TINY_MODEL, tinyRecipe } from './testing.ts'

const SIZE = { width: 64, height: 64 }
const ENCODERS: Readonly<Record<string, DarConfig>> = {
  vit: MICRO_MODEL,
  mobilenetv2: { ...TINY_MODEL, neckFeatures: 16 },
}
const HEADS = ['dar', 'transformer', 'bins', 'dpt', 'dorn', 'ord2seq'] as const

const cases = Object.keys(ENCODERS).flatMap((encoder) => HEADS.map((head) => [head, encoder] as const))

describe('a new network', () => {
  const engine = new Engine({ threads: 1 })
  afterAll(() => engine.dispose())

  it.each(cases)(
    'with the head %s on %s is alive at its start',
    async (head, encoder) => {
      const dptNorm = head === 'dpt' && encoder === 'mobilenetv2'
      const upsample = head === 'dar' ? 'convex' : 'bilinear'
      const config = parseConfig({ ...ENCODERS[encoder], head, context: head === 'dar', upsample, dptNorm })
      const graph = new Graph()
      const image = graph.input('image', [1, 3, SIZE.height, SIZE.width])
      const truth = graph.input('depth', [1, 1, SIZE.height, SIZE.width])
      const model = buildDar(normaliseImage(image, config), config)
      const loss = total(stepLosses(model, truth, config))
      const parameters = [...graph.parameters.values()]
      const outputs: Record<string, Tensor> = { loss, metres: model.nativeMap }
      gradient(loss, parameters).forEach((tensor, i) => {
        outputs[`gradient of ${parameters[i].name}`] = tensor
      })
      const layout = layoutOf(parameters)
      const params = initialise(layout, 3)
      const values = new Map(
        layout.entries.map(({ name, offset, length }) => [name, params.slice(offset, offset + length)]),
      )
      await using program = await engine.load(
        compile(outputs, { name: `${head} on ${encoder}`, weights: { kind: 'embedded', values } }),
      )
      const room = renderRoom({ seed: 4, ...SIZE })
      const pixels = toPlanes(room.image, SIZE.width, SIZE.height)
      const result = await program.run({ image: pixels, depth: room.depth!.data })

      const metres = (result.metres as Float32Array).slice().sort()
      expect(metres[0]).toBeGreaterThanOrEqual(config.dMin)
      expect(metres[metres.length - 1]).toBeLessThanOrEqual(config.dMax)
      // ord2seq says one bit after the other: bits that agree by chance give an end of the range, with gradients all the same.
      const median = metres[metres.length >> 1]
      if (head !== 'ord2seq') expect(median).toBeGreaterThan(config.dMin * 1.05)
      if (head !== 'ord2seq') expect(median).toBeLessThan(config.dMax * 0.95)
      const norms = parameters.map(({ name }) => Math.hypot(...(result[`gradient of ${name}`] as Float32Array)))
      expect(norms.every(Number.isFinite)).toBe(true)
      // What a sigmoid or ReLU that is saturated lets through is exactly 0, and that for whole layers.
      const reached = norms.filter((norm) => norm > 0).length
      expect(reached).toBeGreaterThan(0.7 * norms.length)
    },
    120_000,
  )

  it('with the head dpt on mobilenetv2 is refused without its norm, where it would be dead from the first update', () => {
    const model = { ...ENCODERS.mobilenetv2, head: 'dpt', context: false, upsample: 'bilinear' } as const
    expect(() =>
      parseRecipe(tinyRecipe({ model: parseConfig(model), stages: [{ ...SIZE, batch: 1, updates: 1 }] }), 'it'),
    ).toThrow(
      'model.dptNorm: is false; a dpt head on mobilenetv2, whose taps no norm bounds, is dead from its first update without it',
    )
    // Files of such a model are read as before.
    expect(parseConfig(model).head).toMatchObject({ norm: false })
  })
})
