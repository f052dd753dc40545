/**
 * Parity with the independent reference: every named intermediate, the loss and every gradient of whole models, from the
 * same weights and inputs, as `dar trace --loss --check` compares them. Errors are max|Δ| / max|reference| per tensor; the
 * tolerances are the reference's own statement of what float32 rounding does (values and σ 5e-4, gradients 1e-3, loss 1e-5).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkTrace, readTraceSource, traceModel } from '../../src/inspect/index.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { modelFixture } from './fixture.ts'

/** Every case of the reference: all heads, and every switch that changes a number. */
const CASES = [
  'dar_paper',
  'dar_neighbourhood_convex_context',
  'dar_mobilenetv2',
  'dar_five_sizes',
  'dar_batch2_one_empty',
  'dar_all_empty',
  'dar_conv_stem',
  'dar_elastic',
  'dar_fixed',
  'dar_masked',
  'dar_no_position_no_level',
  'dar_patch14_rounding',
  'dar_patch16',
  'dar_small_activations',
  'dar_step_grid',
  'dar_unmasked',
  'dar_final_norm_context_by_step',
  'dar_finest',
  'dar_soft',
  'dar_soft_fine',
  'transformer',
  'bins',
  'dpt',
  'dorn',
  'ord2seq',
]

let engine: Engine
let folder: string
beforeAll(async () => {
  engine = new Engine({ threads: 2 })
  folder = await temporaryFolder()
})
afterAll(async () => {
  await engine.dispose()
})

describe('equals the reference in every value, the loss and every gradient', () => {
  test.each(CASES)('%s', async (name) => {
    const path = await modelFixture(name, folder)
    const source = await readTraceSource(path, path)
    const traced = await traceModel(engine, source, { loss: true })
    // The same parameters: a gradient for each, and nothing that the other does not have.
    expect([...source.golden.keys()].filter((key) => key.startsWith('grad/')).sort()).toEqual(
      [...source.parameters.keys()].map((key) => `grad/${key}`).sort(),
    )
    expect([...traced.keys()].sort()).toEqual([...source.golden.keys()].sort())
    const errors = checkTrace(traced, source, { loss: true })
    expect(errors).toHaveLength(source.golden.size)
    expect(errors.filter(({ ok }) => !ok)).toEqual([])
  })
})
