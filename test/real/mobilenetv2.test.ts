/**
 * The pretrained encoder: taps of MobileNetV2 with its real weights, against the reference. Looks for
 * mobilenetv2_imagenet.safetensors in $DAR_REAL_DATA/../weights, else in ../shared/weights beside the repository, and skips
 * itself where neither is there.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Graph } from '../../src/graph/index.ts'
import { parseConfig } from '../../src/model/config.ts'
import { encode } from '../../src/model/encoder.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { readWeights } from '../../src/runtime/weights.ts'
import { evaluate } from '../op-harness.ts'
import { pieceFixture, relativeError } from '../parity/fixture.ts'

const data = process.env.DAR_REAL_DATA
const folder = data ? join(data, '..', 'weights') : fileURLToPath(new URL('../../../shared/weights', import.meta.url))
const path = join(folder, 'mobilenetv2_imagenet.safetensors')

describe.skipIf(!existsSync(path))('the pretrained MobileNetV2', () => {
  test('has the taps of the reference, from all of its weights up to the last tap', async () => {
    const file = await pieceFixture('mobilenetv2')
    const { values, shapes } = await readWeights(path)
    const graph = new Graph()
    const image = file.get('input/image')!
    const trace = new Map()
    encode(graph, graph.input('image', image.shape), parseConfig({ encoder: 'mobilenetv2' }), trace)
    const feeds: Record<string, ArrayLike<number>> = { image: image.values }
    for (const [name, { shape }] of graph.parameters) {
      const stored = name.replace(/^encoder\./, '')
      expect(shapes.get(stored), name).toEqual(shape)
      feeds[name] = values.get(stored)!
    }
    await using engine = new Engine({ threads: 1 })
    const taps = await evaluate(engine, Object.fromEntries(trace), feeds)
    for (const [name, tap] of Object.entries(taps))
      expect(relativeError(tap, file.get(`trace/${name}`)!.values), name).toBeLessThan(1e-5)
    expect(Object.keys(taps)).toHaveLength(4)
  })
})
