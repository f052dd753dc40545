/** What programs of a staged step hand on to each other: counted for the plan, and counted slowly. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Node, nodesBehind, type StageOutputs, type Tensor } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import { runMemory, stepOf, totalOf } from './memory.ts'
import { planRun } from './plan.ts'
import { parseRecipe } from './recipe.ts'
import type { Overlap } from './staged-step.ts'
import { sumOutputs, trainingOutputs } from './step-program.ts'
import { tinyRecipe } from './testing.ts'

vi.setConfig({ testTimeout: 120_000 })

const size = { height: 32, width: 64 }
/** What each of two ranks computes. */
const own = parseRecipe(tinyRecipe({ stages: [{ ...size, batch: 1, updates: 1 }] }), 'test')
const BOTH: readonly Overlap[] = ['backward', 'step']
const memory = (overlap: Overlap | null, ranks = 2) => runMemory(own, {}, {}, { ranks, overlap })

/**
 * Bytes of all tensors that a node reads which only a later program needs: their own, or, where they are renamed, not float32 or folded, those of
 * what they are made from.
 */
function crossing(stages: readonly StageOutputs[]): number {
  const first = new Map<Node, number>()
  stages.forEach((outputs, s) => {
    for (const node of nodesBehind(Object.values(outputs))) if (!first.has(node)) first.set(node, s)
  })
  const fromInput = (tensor: Tensor): boolean =>
    nodesBehind([tensor]).some(({ inputs }) => inputs.some(({ source }) => source.kind === 'input'))
  const isAgain = (tensor: Tensor) =>
    ['reshape', 'stopGradient'].includes(tensor.node?.op ?? '') || tensor.dtype !== 'float32' || !fromInput(tensor)
  const sources = (tensor: Tensor): Tensor[] =>
    tensor.node ? (isAgain(tensor) ? tensor.node.inputs.flatMap(sources) : [tensor]) : []
  const crossed = new Set<Tensor>()
  for (const [node, s] of first)
    for (const tensor of node.inputs.flatMap(sources))
      if (tensor.node && first.get(tensor.node) !== s) crossed.add(tensor)
  return [...crossed].reduce((bytes, { size }) => bytes + 4 * size, 0)
}

/** The programs' own outputs, put together here. */
function wanted(overlap: Overlap): StageOutputs[] {
  const options = { ...size, batch: 1 }
  const step = trainingOutputs(own.model, { ...options, sums: sumOutputs(own.model, options).count })
  const isEncoders = ([name]: [string, Tensor]) => name.startsWith('gradient of encoder.')
  const all = Object.entries(step.outputs)
  const forward = overlap === 'step' ? [{ sums: step.ownSums() }] : []
  return [
    ...forward,
    Object.fromEntries(all.filter((one) => !isEncoders(one))),
    Object.fromEntries(all.filter(isEncoders)),
  ]
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the memory of a step in stages', () => {
  it.each(BOTH)('holds with overlap %s every tensor that crosses a cut, once', (overlap) => {
    const { carried } = memory(overlap)
    expect(carried).toBeGreaterThan(10_000)
    expect(carried).toBe(crossing(wanted(overlap)))
    expect(stepOf(own, own.stages[0], size, { ranks: 2, overlap }).programs).toHaveLength(3)
  })

  it.each(BOTH)('is with overlap %s what the engine is asked for', async (overlap) => {
    const allocate = vi.spyOn(Engine.prototype, 'allocate')
    const recipe = { ...own, stages: [{ ...size, batch: 2, updates: 1 }] }
    const plan = await planRun(recipe, { data: '/nowhere', threads: 1, ranks: 2, overlap })
    const asked = allocate.mock.calls.flatMap(([name, { length }]) =>
      name.startsWith('carried of') ? [4 * length] : [],
    )
    expect(asked).toEqual([plan.memory.items.carried])
    expect(plan).toMatchObject({ ranks: 2, overlap, images: 2, stages: [{ batch: 2 }] })
    expect(plan.notes).toContain('the time that sums over the processes take is not in it')
  })

  it('is more than that of an uncut step on several ranks, which is more than that of one', () => {
    const [alone, uncut, backward, step] = [memory(null, 1), memory(null), memory('backward'), memory('step')]
    expect([alone.carried, alone.exchange, uncut.carried]).toEqual([0, 0, 0])
    expect(step.carried).toBeGreaterThan(backward.carried)
    const totals = [alone, uncut, backward, step].map(totalOf)
    expect(totals[1]).toBeGreaterThan(totals[0])
    for (const staged of totals.slice(2)) expect(staged).toBeGreaterThan(totals[1])
  })
})

it('of a plan refuses what training in so many processes refuses', async () => {
  await expect(planRun(own, { data: '/nowhere', ranks: 2 })).rejects.toThrow(
    /stage 1 has batches of 1, which 2 processes/,
  )
  const plan = await planRun(own, { data: '/nowhere', room: 0, overlap: 'step' })
  expect(plan.memory.items).toMatchObject({ carried: 0, exchange: 0 })
  expect(plan.notes).toContain('one process has nothing to overlap: start the plan as the run, with mpiexec -n N')
})
