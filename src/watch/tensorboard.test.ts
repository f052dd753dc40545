import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { LogError } from '../train/run-log.ts'
import { TensorBoardFile } from './tensorboard.ts'
import { decodeEvents, startEvent, stepEvent, validationEvent } from './testing.ts'

describe('TensorBoardFile', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  const events = async () => {
    const names = await readdir(folder)
    expect(names).toHaveLength(1)
    expect(names[0]).toMatch(/^events\.out\.tfevents\.1700000000\./) // by this TensorBoard knows them
    return decodeEvents(await readFile(join(folder, names[0])))
  }

  it('has every figure of a run at the number of updates done', async () => {
    const file = new TensorBoardFile(folder, () => 1_700_000_000)
    file.see(startEvent(7))
    file.see(stepEvent(7, 3))
    file.see({ event: 'norms', step: 8, seconds: 1, parts: [{ part: 'neck', weights: 2, gradient: 0.5 }] })
    file.see(validationEvent(8))
    file.see({ event: 'checkpoint', step: 8, seconds: 1 })
    const [version, start, step, norms, validation, ...rest] = await events() // whole before it is closed
    expect(version).toMatchObject({ version: 'brain.Event:2' })
    // Of a resumed run: what TensorBoard has of update 8 and later is of a session that was lost.
    expect(start).toMatchObject({ step: 8, status: 1 })
    expect(step).toMatchObject({ step: 8, wallTime: 1_700_000_000 })
    const [rate, third] = [Math.fround(1e-3), 1]
    expect(step.scalars).toEqual([
      { tag: 'train/loss', value: 3 },
      { tag: 'train/term1', value: third },
      { tag: 'train/term2', value: 2 },
      { tag: 'train/rate', value: rate },
      { tag: 'train/gradient_norm', value: 2 },
      { tag: 'train/images_per_second', value: 8 },
    ])
    expect(norms.scalars).toEqual([
      { tag: 'weight_norm/neck', value: 2 },
      { tag: 'gradient_norm/neck', value: 0.5 },
    ])
    expect(validation.step).toBe(8)
    const tags = Object.fromEntries((validation.scalars ?? []).map(({ tag, value }) => [tag, value]))
    expect(tags).toMatchObject({
      'validation/rooms/abs_rel': 0.25,
      'validation/<b>/d1': 0.5,
      'saturated/rooms/h2': 0.125,
    })
    expect(rest).toEqual([])
    file.close()
  })

  it('fails once, with an error that saves the run, and takes nothing after that', async () => {
    await writeFile(join(folder, 'file'), '')
    const file = new TensorBoardFile(join(folder, 'file'))
    expect(() => file.see(startEvent(0))).toThrow(LogError)
    file.see(stepEvent(0))
  })
})
