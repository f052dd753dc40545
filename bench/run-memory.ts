/**
 * The memory of a whole training run, loaders, validation and checkpoint included: what `dar train --plan` says beside the peak (VmHWM) of a
 * process that trains. Sets of the recipe whose folder is not there are left out of both.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runInProcess } from '../src/support/processes.ts'
import { loadRecipe, planRun, type Recipe } from '../src/train/index.ts'
import type { Row } from './report.ts'
import type { RunRequest } from './run-memory-child.ts'

/** For `npm run bench -- run-memory --help`. */
export const RUN_MEMORY_HELP = `DAR_RUN='dar-nano 8 24' npm run bench -- run-memory     recipe, images a batch, updates (half an hour at most)

  DAR_RUN   default: 'tiny 8 8'. dar-nano at its batch of 8 needs some 12 GB, at 2 it needs 4
  DAR_DATA  folder of the recipe's data; sets that are not there are left out (default: data)

Updates are of the first stage, all shapes; a validation comes after the last.`

export interface RunMemory {
  /** Bytes. */
  readonly planned: number
  readonly measured: number
}

interface Measured {
  readonly updates: number
  /** Images of a batch; default: the recipe's. */
  readonly batch?: number
  readonly data?: string
  readonly threads?: number
}

/** Trains `updates` updates of the recipe's first stage and a validation, in a process of its own. */
export async function runMemory(
  name: string,
  { updates, batch, data = 'data', threads = 1 }: Measured,
): Promise<RunMemory> {
  const recipe = await loadRecipe(name)
  const stages = recipe.stages.slice(0, 1).map((stage) => ({ ...stage, batch: batch ?? stage.batch, updates }))
  const change = { stages, data: recipe.data.flatMap((one) => present(one, data)), validateEvery: updates }
  // Nothing is measured for the plan: this process stays small.
  const { memory } = await planRun({ ...recipe, ...change }, { data, threads, room: 0 })
  const out = await mkdtemp(join(tmpdir(), 'dar-run-memory-'))
  try {
    const request: RunRequest = { recipe: name, data, out, change, threads }
    const measured = Number(await runInProcess('run-memory-child', import.meta.url, request))
    return { planned: memory.total, measured }
  } finally {
    await rm(out, { recursive: true })
  }
}

function present(one: Recipe['data'][number], root: string): Recipe['data'] {
  if (one.kind === 'dataset') return existsSync(resolve(root, one.path)) ? [one] : []
  const { furniture, ...rooms } = one
  return [furniture !== undefined && existsSync(resolve(root, furniture)) ? one : rooms]
}

export async function benchRunMemory(): Promise<Row[]> {
  const [name, batch, updates] = (process.env.DAR_RUN ?? 'tiny 8 8').split(' ')
  const asked = { batch: Number(batch), updates: Number(updates), data: process.env.DAR_DATA }
  const { planned, measured } = await runMemory(name, asked)
  return [
    { name: `${name}, batch ${batch}, ${updates} updates: planned`, value: planned / 1e6, unit: 'MB' },
    { name: '  measured', value: measured / 1e6, unit: 'MB' },
    { name: '  planned / measured', value: planned / measured, unit: 'ratio', target: 1 },
  ]
}
