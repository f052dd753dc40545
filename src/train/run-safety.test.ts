import { appendFileSync, existsSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readWeights, writeWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'
import { lockFolder } from '../support/folder-lock.ts'
import { checkpointPath } from './checkpoint.ts'
import type { Recipe } from './recipe.ts'
import type { TrainEvent } from './run-log.ts'
import { plainFrame, tinyRecipe, writeFrame, writeRooms } from './testing.ts'
import { type TrainOptions, train } from './trainer.ts'

vi.setConfig({ testTimeout: 300_000 })

const STAGE = { height: 32, width: 32, batch: 2, updates: 4 }
const RECIPE = tinyRecipe({ stages: [STAGE] })

let data = ''
let out = ''
beforeAll(async () => {
  data = await temporaryFolder()
  await writeRooms(join(data, 'rooms'), { count: 3, width: 64, height: 32 })
  await writeRooms(join(data, 'others', 'rooms'), { count: 3, width: 64, height: 32, seed: 900 })
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    await writeFrame(join(data, 'empty'), name, ...plainFrame(64, 32, 90, 0))
})
beforeEach(async () => {
  out = join(await temporaryFolder(), 'run')
})

/** Runs and collects the events; `onStep` is called after every update. */
async function session(
  recipe: Recipe,
  { onStep, stopAfter, ...options }: Partial<TrainOptions> & { onStep?: () => void; stopAfter?: number } = {},
) {
  const events: TrainEvent[] = []
  const stop = new AbortController()
  const onEvent = (event: TrainEvent) => {
    events.push(event)
    if (event.event === 'step') onStep?.()
    if (events.filter((one) => one.event === 'step').length === stopAfter) stop.abort()
  }
  const error = await train(recipe, { data, out, threads: 1, signal: stop.signal, onEvent, ...options }).then(
    () => null,
    (error: unknown) => error,
  )
  const of = <K extends TrainEvent['event']>(kind: K) =>
    events.filter((event): event is Extract<TrainEvent, { event: K }> => event.event === kind)
  return { error, of }
}
const message = (error: unknown) => {
  expect(error).toBeInstanceOf(DarError)
  expect((error as Error).message).not.toContain('\n')
  return (error as Error).message
}
const storedStep = async () => (await readWeights(checkpointPath(out))).metadata.step

describe('resuming', () => {
  it('refuses another seed, rate, batch or data, names the difference, and goes on with force', async () => {
    expect((await session(RECIPE, { stopAfter: 1 })).error).toBeNull()
    const refused = async (change: Partial<Recipe>, options: Partial<TrainOptions> = {}) =>
      message((await session(tinyRecipe({ stages: [STAGE], ...change }), { resume: true, ...options })).error)
    expect(await refused({ seed: 6 })).toContain(
      'of a run with other settings; this one has seed 6 instead of 5: change them back',
    )
    const schedule = { ...RECIPE.schedule, rate: 0.5 }
    expect(await refused({ schedule })).toContain('schedule.rate 0.5 instead of 0.001')
    expect(await refused({ stages: [{ ...STAGE, batch: 3 }] })).toContain('stages.0.batch 3 instead of 2')
    // The same names in another folder, with other pixels.
    expect(await refused({}, { data: join(data, 'others') })).toContain('contents.0.digest')
    expect(await storedStep()).toBe('1')

    const forced = await session(tinyRecipe({ stages: [STAGE], seed: 6 }), { resume: true, force: true, stopAfter: 1 })
    expect(forced.of('start')[0].notes).toEqual(['resumed at update 1', 'goes on with seed 6 instead of 5'])
    expect(await refused({ seed: 5 })).toContain('seed 5 instead of 6')
  })

  it('takes other minutes, and a checkpoint of an older version, which it says', async () => {
    expect((await session(RECIPE, { stopAfter: 1 })).error).toBeNull()
    const { values, shapes, metadata } = await readWeights(checkpointPath(out))
    const named = [...values].map(([name, data]) => ({ name, shape: shapes.get(name) ?? [], values: data.slice() }))
    const { run: _, ...older } = metadata
    await writeWeights(checkpointPath(out), named, older)
    const { error, of } = await session(tinyRecipe({ stages: [STAGE], validateEvery: 7 }), { resume: true })
    expect(error).toBeNull()
    expect(of('start')[0].notes[1]).toContain('does not say its seed, rates and data')
  })

  it('refuses a checkpoint with a flipped bit', async () => {
    expect((await session(RECIPE, { stopAfter: 1 })).error).toBeNull()
    const bytes = await readFile(checkpointPath(out))
    bytes[bytes.length - 5] ^= 4
    rmSync(checkpointPath(out))
    appendFileSync(checkpointPath(out), bytes)
    const text = message((await session(RECIPE, { resume: true })).error)
    expect(text).toContain('is damaged: its content is not what')
    expect(text).toContain(`start in another --out folder, with --weights ${join(out, 'model.safetensors')}`)
  })
})

describe('frames without depth', () => {
  const recipe = tinyRecipe({
    data: [{ kind: 'dataset', name: 'empty', path: 'empty', weight: 1 }],
    stages: [{ ...STAGE, updates: 12 }],
  })

  it('are warned of at the first update, and end the run after an epoch', async () => {
    const { error, of } = await session(recipe)
    expect(of('warning').map(({ step }) => step)).toEqual([0])
    expect(of('step')).toHaveLength(3) // five frames, two at a time
    expect(message(error)).toContain('none of the last 6 frames, a whole epoch, has any depth')
    expect(existsSync(checkpointPath(out))).toBe(false)
  })

  it('are no finished run, however short it is', async () => {
    const { error } = await session({ ...recipe, stages: [{ ...STAGE, updates: 1 }] })
    expect(message(error)).toContain('none of the 1 updates saw any depth')
  })
})

describe('the log', () => {
  it('begins a new line after one that a kill has torn', async () => {
    await mkdir(out, { recursive: true })
    appendFileSync(join(out, 'log.jsonl'), '{"event":"start"}\n{"event":"st')
    await session(RECIPE, { stopAfter: 1 })
    const lines = (await readFile(join(out, 'log.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(lines.slice(0, 2)).toEqual(['{"event":"start"}', '{"event":"st'])
    expect(JSON.parse(lines[2])).toMatchObject({ event: 'start', total: 4 })
  })

  it.runIf(existsSync('/dev/full'))('on a full disk ends the run with its checkpoint and one line', async () => {
    let updates = 0
    const onStep = () => {
      if (++updates !== 2) return
      unlinkSync(join(out, 'log.jsonl'))
      symlinkSync('/dev/full', join(out, 'log.jsonl'))
    }
    const { error, of } = await session(RECIPE, { onStep })
    const text = message(error)
    expect(text).toContain(`cannot write the log ${join(out, 'log.jsonl')}: ENOSPC`)
    expect(text).toContain(`the disk is full: make room`)
    expect(text).toContain(`The checkpoint in ${out} is of update 2`)
    expect(error).toMatchObject({ kind: 'input' }) // exit code 1
    expect(of('failed')[0].message).toBe(text)
    expect(await storedStep()).toBe('2')
  })

  it('whose folder has gone ends the run likewise, and brings the folder back with the checkpoint', async () => {
    const { error } = await session(RECIPE, { onStep: () => rmSync(out, { recursive: true, force: true }) })
    expect(message(error)).toContain('cannot write the log')
    expect(await storedStep()).toBe('1')
  })
})

describe('two runs in one folder', () => {
  it('are refused, and the first goes on', async () => {
    const lock = lockFolder(out, 'training of first')
    const second = await session(RECIPE)
    expect(message(second.error)).toContain(`${out} is in use by process ${process.pid} (training of first)`)
    await lock.dispose()
    expect((await session(RECIPE, { stopAfter: 1 })).error).toBeNull()
    expect(existsSync(join(out, '.dar.lock'))).toBe(false)
  })
})
