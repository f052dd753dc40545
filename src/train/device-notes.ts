/** What the log says of the device that a run trains on: operators that it lacks, which the CPU computes. */
import type { Engine } from '../runtime/engine.ts'
import { stepOptions } from './memory.ts'
import type { Recipe } from './recipe.ts'
import { trainingGraph } from './step-program.ts'

/**
 * One line for a device that is not the CPU, from one step of the first stage on zeros. Throws a DarError of kind `missing` when the
 * machine does not have the device.
 */
export async function deviceNotes(engine: Engine, recipe: Recipe): Promise<string[]> {
  if (engine.provider === 'cpu') return []
  const [stage] = recipe.stages
  const { compiled } = trainingGraph(recipe.model, stepOptions(recipe, stage, stage))
  const { CPU: fallen = {}, ...placed } = await engine.placement(compiled)
  const nodes = Object.values(placed).flatMap((ops) => Object.values(ops))
  const count = nodes.reduce((sum, n) => sum + n, 0)
  const list = Object.entries(fallen).map(([op, n]) => `${op} ${n}`)
  const rest = list.length > 0 ? `, on the CPU ${list.join(', ')}` : ''
  return [`a step has ${count} nodes on ${engine.provider}${rest}`]
}
