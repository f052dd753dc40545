/**
 * Parity with the independent reference: every named intermediate, the loss and every gradient of whole models, from the
 * same weights and inputs. Errors are max|Δ| / max|reference| per tensor; the tolerances are the reference's own statement
 * of what float32 rounding does (values and σ 5e-4, gradients 1e-3, loss 1e-5).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile, Graph, gradient, type Tensor } from '../../src/graph/index.ts'
import { buildDar, parseConfig, stepLosses, total } from '../../src/model/index.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { fixture, worstErrors } from './fixture.ts'

const CASES = [
  'dar_paper',
  'dar_neighbourhood_convex_context',
  'dar_mobilenetv2',
  'dar_five_sizes',
  'dar_batch2_one_empty',
  'dar_all_empty',
  'dpt',
  'dorn',
  'ord2seq',
  'dar_step_grid',
  'dar_fixed',
  'dar_unmasked',
  'dar_conv_stem',
  'dar_elastic',
  'dar_masked',
  'dar_no_position_no_level',
  'dar_patch14_rounding',
  'dar_patch16',
  'dar_small_activations',
  'transformer',
  'bins',
]

const TOLERANCE = { trace: 5e-4, grad: 1e-3, loss: 1e-5 }

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 2 })
})
afterAll(() => engine.dispose())

async function run(name: string) {
  const { tensors, metadata } = await fixture(name)
  const config = parseConfig(JSON.parse(metadata.config), name)
  const graph = new Graph()
  const image = graph.input('input/image', tensors.get('input/image')!.shape)
  const gt = graph.input('input/depth', tensors.get('input/depth')!.shape)
  const model = buildDar(image, config)
  const terms = stepLosses(model, gt, config)
  const loss = total(terms)
  const parameters = [...graph.parameters.values()]
  const gradients = gradient(loss, parameters)
  const outputs: Record<string, Tensor> = { loss }
  for (const [key, value] of model.trace) outputs[`trace/${key}`] = value
  parameters.forEach((parameter, i) => {
    outputs[`grad/${parameter.name}`] = gradients[i]
  })
  await using program = await engine.load(compile(outputs, { name }))
  const feeds: Record<string, Float32Array> = {}
  for (const key of ['input/image', 'input/depth']) feeds[key] = tensors.get(key)!.values
  for (const { name: key } of parameters) feeds[key] = tensors.get(`param/${key}`)!.values
  return { tensors, results: await program.run(feeds), parameters: parameters.map((p) => p.name) }
}

describe.each(CASES)('%s', (name) => {
  test('equals the reference in every value, the loss and every gradient', async () => {
    const { tensors, results, parameters } = await run(name)
    const stored = [...tensors.keys()].filter((key) => key.startsWith('param/')).map((key) => key.slice(6))
    expect(parameters.sort()).toEqual(stored.sort())
    const wanted = [...tensors.keys()].filter((key) => /^(trace|grad|loss$)/.test(key))
    expect(wanted.filter((key) => !(key in results))).toEqual([])
    expect(worstErrors(tensors, results, wanted, TOLERANCE)).toEqual([])
  })
})
