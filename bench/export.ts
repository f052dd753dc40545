/**
 * Exported models on the CPU: float32, float16 and int8 in turn, on one thread. The figure is processor time, which
 * does not count other programs on a shared machine, so ratios are reliable. `dar-nano` is the shipped model (or the
 * file in $DAR_EXPORT_MODEL) at 256×192, the size that it predicts at. `dar-lite` (ViT-S) has random weights, which
 * cost as much as trained ones, at 224×168. Medians after warm-up. Caches and clock are still shared, so a few per cent
 * are noise.
 */

import { exportGraph, type Precision } from '../src/export/index.ts'
import { Graph, writeModel } from '../src/graph/index.ts'
import { buildDar, PRESETS } from '../src/model/index.ts'
import { type ModelFile, openModel } from '../src/node/index.ts'
import type { Size } from '../src/predict/index.ts'
import { Engine, type Program } from '../src/runtime/engine.ts'
import { Random } from '../src/support/random.ts'
import { median, type Row } from './report.ts'

const PRECISIONS = ['fp32', 'fp16', 'int8'] as const
const TARGET = 1.5
const WARM_UP = 3

export async function benchExport({ runs = 7 }: { runs?: number } = {}): Promise<Row[]> {
  const nano = await openModel(process.env.DAR_EXPORT_MODEL ?? 'dar-nano', { mapAbove: Number.POSITIVE_INFINITY })
  const models: readonly (readonly [ModelFile, Size])[] = [
    [nano, { width: 256, height: 192 }],
    [randomModel('dar-lite'), { width: 224, height: 168 }],
  ]
  const rows: Row[] = []
  for (const [file, size] of models) rows.push(...(await benchModel(file, size, runs)))
  return rows
}

async function benchModel(file: ModelFile, size: Size, runs: number): Promise<Row[]> {
  await using engine = new Engine({ threads: 1 })
  const programs: [Precision, Program][] = []
  for (const precision of PRECISIONS) programs.push([precision, await loadExport(engine, file, size, precision)])
  const random = new Random(1)
  const pixels = Float32Array.from({ length: 3 * size.width * size.height }, () => random.uniform(-1, 1))
  const times: Record<Precision, number[]> = { fp32: [], fp16: [], int8: [] }
  for (let i = 0; i < WARM_UP + runs; i++)
    for (const [precision, program] of programs) {
      const begin = process.cpuUsage()
      await program.run({ pixel_values: pixels })
      const { user, system } = process.cpuUsage(begin)
      if (i >= WARM_UP) times[precision].push((user + system) / 1000)
    }
  const title = `${file.name} at ${size.width}×${size.height}`
  const fp32 = median(times.fp32)
  return [
    ...PRECISIONS.map((p): Row => ({ name: `${title}, ${p}: processor time`, value: median(times[p]), unit: 'ms' })),
    { name: `${title}, fp32 / fp16`, value: fp32 / median(times.fp16), unit: 'ratio' },
    { name: `${title}, fp32 / int8`, value: fp32 / median(times.int8), unit: 'ratio', target: TARGET },
  ]
}

/** An exported graph on our engine. */
export function loadExport(engine: Engine, file: ModelFile, size: Size, precision: Precision): Promise<Program> {
  const port = (name: string, shape: readonly number[]) => ({ name, shape, dtype: 'float32' as const })
  const { width, height } = size
  return engine.load({
    name: `${file.name} ${precision}`,
    model: writeModel(exportGraph(file, size, precision)),
    inputs: [port('pixel_values', [1, 3, height, width])],
    parameters: [],
    outputs: [port('predicted_depth', [1, height, width])],
  })
}

/** A preset with weights of the right scale, so that activations look like a network's. */
function randomModel(preset: string): ModelFile {
  const config = PRESETS[preset]
  const graph = new Graph()
  buildDar(graph.input('image', [1, 3, 112, 112]), config)
  const random = new Random(2)
  const values = [...graph.parameters.values()].map(({ name, shape, size, source }) => {
    const init = source.kind === 'parameter' ? source.init : { kind: 'constant' as const, value: 0 }
    const fanIn = shape.slice(1).reduce((product, n) => product * n, 1)
    const draw = () => {
      if (init.kind === 'constant') return init.value
      if (init.kind === 'normal') return random.normal(0, init.deviation)
      return random.uniform(-1, 1) * (init.gain / Math.sqrt(fanIn))
    }
    return [name, Float32Array.from({ length: size }, draw)] as const
  })
  const weights = { kind: 'embedded', values: new Map(values) } as const
  return { name: preset, path: preset, config, size: { width: 224, height: 168 }, trainedSizes: [], weights }
}
