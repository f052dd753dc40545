/** What watches a run may fail: the run, or at least its updates, must not be lost by it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readWeights } from '../runtime/weights.ts'
import { checkpointPath } from './checkpoint.ts'
import { LogError, type TrainEvent } from './run-log.ts'
import { tinyRecipe, writeRooms } from './testing.ts'
import { train } from './trainer.ts'

vi.setConfig({ testTimeout: 300_000 })

const split = { kind: 'tail', fraction: 0.5, gap: 0 } as const
const RECIPE = tinyRecipe({
  data: [{ kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1, split }],
  stages: [{ height: 32, width: 32, batch: 2, updates: 3 }],
  validateEvery: 2,
})

let data = ''
let out = ''
beforeAll(async () => {
  data = await temporaryFolder()
  await writeRooms(join(data, 'rooms'), { count: 4, width: 64, height: 32 })
})
beforeEach(async () => {
  out = await temporaryFolder()
})

it('goes on with a warning when pictures cannot be written', async () => {
  await writeFile(join(out, 'pictures'), 'a file in the way')
  const events: TrainEvent[] = []
  const result = await train(RECIPE, { data, out, threads: 1, pictures: 1, onEvent: (event) => events.push(event) })
  expect(result.reason).toBe('done')
  const warnings = events.flatMap((event) => (event.event === 'warning' ? [event.message] : []))
  expect(warnings).toHaveLength(2)
  for (const warning of warnings)
    expect(warning).toMatch(/^cannot make the folder .*pictures: a file of this name is in the way/)
  expect(events.filter(({ event }) => event === 'norms').map(({ step }) => step)).toEqual([2, 3])
})

it('keeps its updates when an event file cannot be written', async () => {
  let isFull = false
  const onEvent = ({ event, step }: TrainEvent) => {
    if (event !== 'step' || step < 1 || isFull) return
    isFull = true
    throw new LogError('cannot write the event file x: no space')
  }
  const error = await train(RECIPE, { data, out, threads: 1, onEvent }).catch((error: unknown) => error)
  expect(String(error)).toMatch(/cannot write the event file x: no space\. The checkpoint in .* is of update \d/)
  expect(Number((await readWeights(checkpointPath(out))).metadata.step)).toBeGreaterThan(0)
})
