import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PbfReader } from 'pbf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, numbers, relativeError } from '../../test/op-harness.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { Engine } from '../runtime/engine.ts'
import { readHeader, writeSafetensors } from '../runtime/safetensors-file.ts'
import { gradient } from './gradient.ts'
import { byteLength, type Compiled, type CompileOptions, compile, OPSET } from './onnx.ts'
import * as ops from './ops/index.ts'
import { Graph, type Init, type Tensor } from './tensor.ts'

const NONE: Init = { kind: 'constant', value: 0 }
let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

interface Read {
  readonly opset: number
  readonly irVersion: number
  readonly metadata: Record<string, string>
  readonly nodes: { type: string; name: string; inputs: string[]; outputs: string[] }[]
  readonly initializers: { name: string; external: Record<string, string> }[]
  readonly inputs: string[]
  readonly outputs: string[]
}

/** Reads back what a test asks about, with onnx.proto's field numbers. */
function parse(model: Uint8Array): Read {
  const read: Read = { opset: 0, irVersion: 0, metadata: {}, nodes: [], initializers: [], inputs: [], outputs: [] }
  const entry = (pbf: PbfReader) => {
    const pair = ['', '']
    each(pbf, (tag, p) => {
      if (tag <= 2) pair[tag - 1] = p.readString()
    })
    return pair
  }
  const graph = (tag: number, pbf: PbfReader) => {
    if (tag === 1) {
      const node = { type: '', name: '', inputs: [] as string[], outputs: [] as string[] }
      each(pbf, (field, p) => {
        if (field === 1) node.inputs.push(p.readString())
        else if (field === 2) node.outputs.push(p.readString())
        else if (field === 3) node.name = p.readString()
        else if (field === 4) node.type = p.readString()
      })
      read.nodes.push(node)
    } else if (tag === 5) {
      const tensor = { name: '', external: {} as Record<string, string> }
      each(pbf, (field, p) => {
        if (field === 8) tensor.name = p.readString()
        else if (field === 13) {
          const [key, value] = entry(p)
          tensor.external[key] = value
        }
      })
      read.initializers.push(tensor)
    } else if (tag === 11 || tag === 12) {
      each(pbf, (field, p) => {
        if (field === 1) (tag === 11 ? read.inputs : read.outputs).push(p.readString())
      })
    }
  }
  new PbfReader(model).readFields((tag, result, pbf) => {
    if (tag === 1) Object.assign(result, { irVersion: pbf.readVarint() })
    else if (tag === 7) each(pbf, graph)
    else if (tag === 8)
      each(pbf, (field, p) => {
        if (field === 2) Object.assign(result, { opset: p.readVarint() })
      })
    else if (tag === 14) {
      const [key, value] = entry(pbf)
      result.metadata[key] = value
    }
  }, read)
  return read
}

/** The fields of an embedded message. */
function each(pbf: PbfReader, visit: (tag: number, pbf: PbfReader) => void): void {
  pbf.readMessage((tag, _none, p) => visit(tag, p), null)
}

const emitted = (outputs: Record<string, Tensor>, options?: CompileOptions) => parse(compile(outputs, options).model)

describe('the model', () => {
  test('says which operator set it uses, and carries metadata', () => {
    const x = new Graph().input('x', [2])
    const model = emitted({ y: ops.exp(x) }, { name: 'tiny', metadata: { config: '{"é":1}', empty: '' } })
    expect({ opset: model.opset, irVersion: model.irVersion }).toEqual({ opset: OPSET, irVersion: 10 })
    expect(model.metadata).toEqual({ config: '{"é":1}', empty: '' })
  })

  test('names its nodes after their scope, all differently', () => {
    const graph = new Graph()
    const x = graph.input('x', [2, 3])
    const y = graph.scope('encoder', () => ops.gelu(ops.linear(x, graph.parameter('w', [3, 3], NONE))))
    const { nodes } = emitted({ y, z: ops.sum(y) })
    expect(nodes.map(({ name }) => name)).toEqual([
      'encoder/gemm_0/Gemm_0',
      'encoder/gelu_1/Gelu_1',
      'sum_2/ReduceSum_2',
      'output/y/Identity_3',
      'output/z/Identity_4',
    ])
  })

  test('stores equal constants once, and equal bytes of another shape or dtype separately', () => {
    const graph = new Graph()
    const x = graph.input('x', [4])
    const twice = ops.add(ops.mul(x, graph.constant([1, 2, 3, 4], [4])), graph.constant([1, 2, 3, 4], [4]))
    const square = ops.sum(ops.mul(ops.reshape(twice, [2, 2]), graph.constant([1, 2, 3, 4], [2, 2])))
    const { initializers } = emitted({
      y: ops.mul(ops.mul(square, 0), ops.cast(graph.constant([0], [], 'int64'), 'float32')),
    })
    // [1,2,3,4], the reshape's [2,2], [[1,2],[3,4]], the sum's axes, 0 as float32 and as int64
    expect(initializers).toHaveLength(6)
  })

  test('a constant that differs only where the hash does not look is another constant', () => {
    const graph = new Graph()
    const zeros = new Float32Array(40_000)
    const x = graph.input('x', [zeros.length])
    const { initializers } = emitted({
      y: ops.add(
        ops.add(x, graph.constant(zeros, [zeros.length])),
        graph.constant(zeros.with(39_999, 1), [zeros.length]),
      ),
    })
    expect(initializers).toHaveLength(2)
  })

  test('leaves out what no output needs', () => {
    const graph = new Graph()
    const [x, unused] = [graph.input('x', [2]), graph.input('unused', [2])]
    ops.exp(unused)
    const compiled = compile({ y: ops.neg(x) })
    expect(compiled.inputs.map(({ name }) => name)).toEqual(['x'])
    expect(parse(compiled.model).nodes.map(({ type }) => type)).toEqual(['Neg', 'Identity'])
  })

  test('names the statistics of a layer norm only where a gradient reads them', () => {
    const graph = new Graph()
    const x = graph.input('x', [2, 4])
    const y = ops.layerNorm(x, graph.parameter('w', [4], NONE), graph.parameter('b', [4], NONE), 1e-5)
    const norm = (outputs: Record<string, Tensor>) =>
      emitted(outputs).nodes.find(({ type }) => type === 'LayerNormalization')
    expect(norm({ y })?.outputs).toEqual(['layerNorm_0.0'])
    const [dx] = gradient(ops.sum(ops.square(y)), [x])
    expect(norm({ dx })?.outputs).toEqual(['layerNorm_0.0', 'layerNorm_0.1', 'layerNorm_0.2'])
  })

  test('knows the size of its ports', () => {
    expect(byteLength({ name: 'x', shape: [2, 3], dtype: 'float64' })).toBe(48)
    expect(byteLength({ name: 'x', shape: [], dtype: 'bool' })).toBe(1)
  })

  test('with an output named like an input, a parameter or another value is refused', () => {
    const graph = new Graph()
    const [x, w] = [graph.input('x', [2]), graph.parameter('w', [2], NONE)]
    const y = ops.exp(ops.add(x, w))
    for (const name of ['x', 'w', 'exp_1'])
      expect(() => compile({ [name]: y }, { name: 'dar' })).toThrow(
        `compile dar: two values are named "${name}"; give the output another name`,
      )
  })

  test('with nothing to compute is refused', () => {
    expect(() => compile({}, { name: 'nothing' })).toThrow('compile nothing: there are no outputs')
  })
})

describe('the engine runs', () => {
  test('an output that is an input, a parameter or a constant', async () => {
    const graph = new Graph()
    const [x, w] = [graph.input('x', [2]), graph.parameter('w', [1], NONE)]
    const result = await evaluate(
      engine,
      { x_again: x, w_again: w, c: graph.constant([7, 8], [2]) },
      { x: [1, 2], w: [3] },
    )
    expect(Object.values(result).map((v) => [...v])).toEqual([[1, 2], [3], [7, 8]])
  })

  test('one tensor under two names, also where it is used further on', async () => {
    const x = new Graph().input('x', [2])
    const y = ops.add(x, 1)
    const result = await evaluate(engine, { a: y, b: y, c: ops.mul(y, 2) }, { x: [1, 2] })
    expect(Object.values(result).map((v) => [...v])).toEqual([
      [2, 3],
      [2, 3],
      [4, 6],
    ])
  })

  test('every dtype in and out', async () => {
    const graph = new Graph()
    const [i, f, d] = [graph.input('i', [2], 'int64'), graph.input('f', [2], 'bool'), graph.input('d', [2], 'float64')]
    const result = await evaluate(
      engine,
      { i2: ops.add(i, 1), f2: ops.not(f), d2: ops.neg(d) },
      { i: [1, -3], f: [0, 1], d: [0.1, 2] },
    )
    expect(result).toEqual({ i2: Float64Array.of(2, -2), f2: Float64Array.of(1, 0), d2: Float64Array.of(-0.1, -2) })
  })
})

describe('weights', () => {
  const values = { w: Float32Array.from(numbers(6)), b: Float32Array.of(10, 20) }
  const build = (float: 'float32' | 'float64' = 'float32') => {
    const graph = new Graph({ float })
    const x = graph.input('x', [1, 3])
    return ops.linear(x, graph.parameter('layer.w', [2, 3], NONE), graph.parameter('layer.b', [2], NONE))
  }
  const expected = [0, 1].map((o) => values.b[o] + [1, 2, 3].reduce((sum, x, i) => sum + x * values.w[3 * o + i], 0))
  const embedded = new Map([
    ['layer.w', values.w],
    ['layer.b', values.b],
  ])

  async function run(compiled: Compiled, options: Parameters<Engine['load']>[1] = {}, x = Float32Array.of(1, 2, 3)) {
    await using program = await engine.load(compiled, options)
    return [...((await program.run({ x })).y as Float32Array)]
  }
  const near = (actual: readonly number[]) => expect(relativeError(actual, expected)).toBeLessThan(1e-6)

  test('are inputs unless told otherwise', async () => {
    const compiled = compile({ y: build() })
    expect(parse(compiled.model).inputs).toEqual(['x', 'layer.w', 'layer.b'])
    expect([compiled.inputs, compiled.parameters].map((ports) => ports.map(({ name }) => name))).toEqual([
      ['x'],
      ['layer.w', 'layer.b'],
    ])
  })

  test('embedded travel in the model', async () => {
    const compiled = compile({ y: build() }, { weights: { kind: 'embedded', values: embedded } })
    expect(parse(compiled.model).inputs).toEqual(['x'])
    near(await run(compiled))
  })

  test('embedded from a view into a larger array are only that view', async () => {
    const whole = Float32Array.of(99, ...values.w, 99)
    const view = new Map([...embedded, ['layer.w', whole.subarray(1, 7)] as const])
    near(await run(compile({ y: build() }, { weights: { kind: 'embedded', values: view } })))
  })

  test('embedded in a float64 graph are widened', async () => {
    const compiled = compile({ y: build('float64') }, { weights: { kind: 'embedded', values: embedded } })
    await using program = await engine.load(compiled)
    near([...((await program.run({ x: Float64Array.of(1, 2, 3) })).y as Float64Array)])
  })

  describe('outside', () => {
    let folder: string
    beforeAll(async () => {
      folder = await temporaryFolder()
    })

    async function external(file: string) {
      await writeSafetensors(join(folder, file), {
        first: { dtype: 'F16', shape: [3], data: Uint16Array.of(1, 2, 3) },
        'layer.b': { dtype: 'F32', shape: [2], data: values.b },
        'layer.w': { dtype: 'F32', shape: [2, 3], data: values.w },
      })
      const header = await readHeader(join(folder, file))
      const tensors = new Map(
        [...header.tensors].map(([name, { begin, end }]) => [
          name,
          { offset: header.dataOffset + begin, length: end - begin },
        ]),
      )
      return { kind: 'external', location: file, tensors } as const
    }

    test('are read from inside a safetensors file in the same folder, mapped or not', async () => {
      const weights = await external('weights.safetensors')
      const compiled = compile({ y: build() }, { name: 'outside', weights })
      const path = join(folder, 'model.onnx')
      await writeFile(path, compiled.model)
      expect(parse(compiled.model).initializers.find(({ name }) => name === 'layer.w')?.external).toEqual({
        location: 'weights.safetensors',
        offset: `${weights.tensors.get('layer.w')?.offset}`,
        length: '24',
      })
      near(await run(compiled, { path, mapWeights: true }))
      near(await run(compiled, { path }))
    })

    test('that are missing: the error names the graph, and the file that is not there', async () => {
      const weights = { ...(await external('present.safetensors')), location: 'absent.safetensors' }
      const compiled = compile({ y: build() }, { name: 'orphan', weights })
      const path = join(folder, 'orphan.onnx')
      await writeFile(path, compiled.model)
      await expect(engine.load(compiled, { path })).rejects.toThrow(/graph "orphan".*absent\.safetensors/s)
    })

    test('of another size are refused', async () => {
      const weights = await external('short.safetensors')
      const tensors = new Map([...weights.tensors, ['layer.b', { offset: 0, length: 4 }] as const])
      expect(() => compile({ y: build() }, { weights: { ...weights, tensors } })).toThrow(
        'compile graph: layer.b:float32[2] takes 8 bytes, short.safetensors has 4',
      )
    })

    test('that the file does not have are named', async () => {
      const weights = await external('few.safetensors')
      const tensors = new Map([...weights.tensors].filter(([name]) => name !== 'layer.w'))
      expect(() => compile({ y: build() }, { name: 'dar', weights: { ...weights, tensors } })).toThrow(
        'compile dar: few.safetensors has no weight for layer.w:float32[2,3]',
      )
    })
  })

  test('that are not given are named', () => {
    const compileWith = (map: ReadonlyMap<string, Float32Array>) => () =>
      compile({ y: build() }, { name: 'dar', weights: { kind: 'embedded', values: map } })
    expect(compileWith(new Map([['layer.w', values.w]]))).toThrow(
      'compile dar: there is no weight for layer.b:float32[2]',
    )
    expect(compileWith(new Map([...embedded, ['layer.b', values.w]]))).toThrow(
      'compile dar: the weight for layer.b:float32[2] has 6 values',
    )
  })
})
