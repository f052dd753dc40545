/** What an exported graph consists of. */
import { describe, expect, test } from 'vitest'
import { TINY } from '../../test/tiny-model.ts'
import { outsideWebGpu } from '../../test/webgpu-ops.ts'
import { DATA_TYPE, Graph } from '../graph/index.ts'
import { buildDar, type DarConfig, PRESETS, parseConfig } from '../model/index.ts'
import type { ModelFile } from '../node/index.ts'
import { exportGraph, type Precision } from './index.ts'

const VIT: DarConfig = parseConfig({
  ...PRESETS['dar-lite'],
  encoderWidth: 32,
  encoderDepth: 4,
  encoderHeads: 2,
  neckChannels: [8, 16, 24, 32],
  memoryWidth: 32,
  width: 32,
  heads: 2,
  gruWidth: 8,
})

/** A multiple of 14 and 16. */
const SIZE = { width: 112, height: 112 }

/** A model in memory, its weights all 0.01. */
function modelOf(config: DarConfig): ModelFile {
  const graph = new Graph()
  buildDar(graph.input('image', [1, 3, SIZE.height, SIZE.width]), config)
  const values = new Map(
    [...graph.parameters.values()].map(({ name, size }) => [name, new Float32Array(size).fill(0.01)]),
  )
  return { name: 'test', path: 'test', config, size: SIZE, trainedSizes: [], weights: { kind: 'embedded', values } }
}

const VARIANTS: Readonly<Record<string, object>> = {
  mobilenetv2: TINY,
  vit: VIT,
  'conv stem, bilinear output': { ...VIT, stem: 'conv', patch: 16, upsample: 'bilinear' },
  'masked decoder': { ...VIT, form: 'masked' },
  'windows neighbourhood': { ...VIT, window: 'neighbourhood' },
  'windows elastic': { ...VIT, window: 'elastic' },
  'context of the step': { ...VIT, window: 'elastic', contextGrid: 'step' },
  'windows fixed': { ...VIT, window: 'fixed' },
  'bins on each step’s grid': { ...VIT, binGrid: 'step', context: false },
  'the soft tree': { ...VIT, window: 'soft', upsample: 'bilinear', finalNorm: true, finest: 2 },
  'the soft tree, fine and detailed': {
    ...TINY,
    window: 'soft',
    upsample: 'bilinear',
    neckFeatures: 16,
    fine: true,
    detail: true,
    binGrid: 'halved',
  },
  'the soft tree, detailed at half of the image, a step ahead': {
    ...TINY,
    window: 'soft',
    upsample: 'bilinear',
    neckFeatures: 16,
    neckUnits: 1,
    fine: true,
    detail: true,
    detailGrid: 'half',
    contextGrid: 'ahead',
  },
  'the soft tree, fine and convex': { ...TINY, window: 'soft', neckFeatures: 16, fine: true },
  'only the transformer': { ...VIT, head: 'transformer', context: false, upsample: 'bilinear' },
  'only bins': { ...VIT, head: 'bins' },
}

/** What an int8 export has beyond the WebGPU list: the products of integers, on CPUs only. */
const INT8_OPS = [
  'DynamicQuantizeLinear',
  'QuantizeLinear',
  'com.microsoft:DynamicQuantizeMatMul',
  'com.microsoft:MatMulIntegerToFloat',
]

describe('every operator is one that the browser’s WebGPU provider has', () => {
  test.each(Object.entries(VARIANTS))('%s', (_name, fields) => {
    const file = modelOf(parseConfig(fields))
    expect(outsideWebGpu(exportGraph(file, SIZE).nodes)).toEqual([])
    expect(outsideWebGpu(exportGraph(file, SIZE, 'fp16').nodes)).toEqual([])
    expect(outsideWebGpu(exportGraph(file, SIZE, 'int8').nodes).filter((op) => !INT8_OPS.includes(op))).toEqual([])
  })

  test('the list is no list of everything', () => {
    const attributes = new Map()
    const node = (type: string, domain?: string) => ({ type, domain, name: '', inputs: [], outputs: [], attributes })
    const nodes = [node('Max'), node('Conv'), node('FusedConv'), node('Attention', 'com.microsoft'), node('Attention')]
    expect(outsideWebGpu(nodes)).toEqual(['Attention', 'FusedConv', 'Max'])
    expect(outsideWebGpu([node('Conv', 'com.microsoft')])).toEqual(['com.microsoft:Conv'])
  })
})

const weightBytes = (precision: Precision, config = VIT) =>
  exportGraph(modelOf(config), SIZE, precision).initializers.reduce(
    (sum, { content }) => sum + (content.kind === 'raw' ? content.bytes.byteLength : 0),
    0,
  )

test('input and output are float32 of the exported size, whatever the precision', () => {
  for (const precision of ['fp32', 'fp16', 'int8'] as const) {
    const { inputs, outputs } = exportGraph(modelOf(TINY), { width: 128, height: 96 }, precision)
    expect(inputs).toEqual([{ name: 'pixel_values', shape: [1, 3, 96, 128], dataType: DATA_TYPE.float32 }])
    expect(outputs).toEqual([{ name: 'predicted_depth', shape: [1, 96, 128], dataType: DATA_TYPE.float32 }])
  }
})

test('float16 halves the weights, int8 takes a quarter of the linear ones', () => {
  const file = modelOf(VIT)
  const linear = exportGraph(file, SIZE).nodes.filter(({ type }) => type === 'Gemm')
  const quantised = exportGraph(file, SIZE, 'int8')
  expect(quantised.nodes.filter(({ type }) => type === 'DynamicQuantizeMatMul')).toHaveLength(linear.length)
  expect(quantised.nodes.filter(({ type }) => type === 'Gemm')).toHaveLength(0)
  expect(weightBytes('fp16') / weightBytes('fp32')).toBeLessThan(0.55)
  expect(weightBytes('int8')).toBeLessThan(weightBytes('fp32'))
})

test('in a float16 export the layers are float16 and the windows float32', () => {
  const { nodes, initializers } = exportGraph(modelOf(VIT), SIZE, 'fp16')
  const types = new Map(initializers.map(({ name, dataType }) => [name, dataType]))
  const weights = nodes
    .filter(({ type }) => type === 'Conv' || type === 'Gemm')
    .flatMap(({ inputs }) => types.get(inputs[1]) ?? [])
  expect(weights.length).toBeGreaterThan(20)
  expect(new Set(weights)).toEqual(new Set([DATA_TYPE.float16]))
  const constantsOf = (type: string) =>
    nodes.filter((node) => node.type === type).flatMap(({ inputs }) => inputs.map((name) => types.get(name)))
  expect(constantsOf('Clip')).not.toContain(DATA_TYPE.float16)
  expect(constantsOf('Clip')).toContain(DATA_TYPE.float32)
})
