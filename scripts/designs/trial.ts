/** One training run of a comparison: its cost and its figures. For scripts/designs.ts and scripts/leave-one-out.ts. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type NamedDataset, subsetOf } from '../../src/data/index.ts'
import { type Evaluation, evaluate, modelPredictor, namedProtocol } from '../../src/eval/index.ts'
import { loadModel } from '../../src/node/index.ts'
import { type Recipe, type TrainOptions, train } from '../../src/train/index.ts'

export const say = (text: string) => process.stderr.write(`${text}\n`)

/** Processor time of this process, all threads, seconds. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

export interface Trial {
  /** Processor time, total. */
  readonly seconds: number
  /** Processor time of the cheapest update. The others include slowdowns by other work on the machine. */
  readonly perUpdate: number
  /** The last map's term of the loss, at the end. */
  readonly loss: number
}

/** What a run writes, and nothing else of the folder is removed before the next one. */
const RUN_FILES = ['checkpoint.safetensors', 'model.safetensors', 'log.jsonl']

/** Trains to the end, or for `stopAfter` updates, in a folder that loses an earlier run first. */
export async function runTrial(
  recipe: Recipe,
  options: Pick<TrainOptions, 'data' | 'out' | 'encoder' | 'weights' | 'threads'>,
  { stopAfter = Number.POSITIVE_INFINITY }: { readonly stopAfter?: number } = {},
): Promise<Trial> {
  for (const name of RUN_FILES) rmSync(join(options.out, name), { force: true })
  const abort = new AbortController()
  const began = processorSeconds()
  let before = began
  let perUpdate = Number.POSITIVE_INFINITY
  let loss = Number.NaN
  await train(recipe, {
    ...options,
    signal: abort.signal,
    onEvent: (event) => {
      if (event.event !== 'step') return
      const now = processorSeconds()
      perUpdate = Math.min(perUpdate, now - before)
      before = now
      loss = event.terms.at(-1) ?? Number.NaN
      if (event.step % 50 === 49) say(`  ${recipe.name}: update ${event.step + 1}, last term ${loss.toFixed(3)}`)
      if (event.step + 1 >= stopAfter) abort.abort()
    },
  })
  return { seconds: processorSeconds() - began, perUpdate, loss }
}

/** A model's figures on whole images, without alignment, by set. */
export async function judge(
  model: string,
  sets: readonly NamedDataset[],
  { threads }: { readonly threads?: number } = {},
): Promise<Map<string, Evaluation>> {
  const loaded = await loadModel(model, { threads })
  try {
    const figures = new Map<string, Evaluation>()
    for (const set of sets) {
      const [evaluation] = await evaluate(set, modelPredictor(loaded), { protocols: [namedProtocol('indoor')] })
      figures.set(set.name, evaluation)
    }
    return figures
  } finally {
    await loaded.dispose()
  }
}

/** At most `count` of the names, spread over them. */
export function few(set: NamedDataset, count: number, names: readonly string[] = set.names): NamedDataset {
  const n = Math.min(count, names.length)
  return subsetOf(
    set,
    Array.from({ length: n }, (_, i) => names[Math.floor(((i + 0.5) * names.length) / n)]),
  )
}

export const three = (x: number): string => x.toFixed(3)
export const row = (cells: readonly (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`)
