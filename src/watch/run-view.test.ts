import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import type { TrainEvent } from '../train/index.ts'
import { LogTail } from './log-tail.ts'
import { RunView } from './run-view.ts'
import { StepTrack } from './step-track.ts'
import { appendLog, startEvent, stepEvent, validationEvent } from './testing.ts'

function viewOf(events: readonly TrainEvent[]): RunView {
  const view = new RunView()
  for (const event of events) view.see(event)
  return view
}
const steps = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => stepEvent(from + i))

describe('StepTrack', () => {
  it('has means over equal stretches, and never more points than asked for', () => {
    const track = new StepTrack()
    for (const step of steps(0, 10)) track.add(step)
    expect(track.points(100).map(({ from, loss }) => [from, loss])).toEqual(
      steps(0, 10).map(({ step, loss }) => [step, loss]),
    )
    const [first, second, ...rest] = track.points(2)
    expect(rest).toEqual([])
    expect(first).toMatchObject({ from: 0, to: 4, count: 5, seconds: 5 })
    expect(first.loss).toBeCloseTo(10 - 0.2, 9)
    expect(first.terms[1]).toBeCloseTo((2 * 9.8) / 3, 9)
    expect(second).toMatchObject({ from: 5, to: 9, count: 5 })
  })

  it('keeps a long run in bounded memory, the means exact', () => {
    const track = new StepTrack()
    const many = 20_001
    for (let step = 0; step < many; step++) track.add(stepEvent(step, step))
    const all = track.points(1e9)
    expect(all.length).toBeLessThanOrEqual(4096)
    expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(many)
    expect(all.reduce((sum, { count, loss }) => sum + count * loss, 0) / many).toBeCloseTo((many - 1) / 2, 6)
    for (const [i, { from }] of all.entries()) expect(from).toBe(i === 0 ? 0 : all[i - 1].to + 1)
  })
})

describe('RunView', () => {
  it('says how far a run is and how long it will take at its mean rate', () => {
    const view = viewOf([startEvent(0), ...steps(0, 20)])
    expect(view.done).toBe(20)
    expect(view.secondsLeft).toBeCloseTo(80, 9)
    expect(view.loss).toBeGreaterThan(8)
  })

  it('shows a resumed run once, where it goes on from a checkpoint before its last update', () => {
    const norms = (step: number): TrainEvent => ({ event: 'norms', step, seconds: step, parts: [] })
    const view = viewOf([
      ...[startEvent(0), ...steps(0, 10), norms(10), validationEvent(10), ...steps(10, 20), validationEvent(20)],
      ...[startEvent(15), stepEvent(15, 1), stepEvent(16, 2)],
    ])
    const points = view.steps.points(1000)
    expect(points.map(({ from }) => from)).toEqual(Array.from({ length: 17 }, (_, i) => i))
    expect(points.slice(-2).map(({ loss }) => loss)).toEqual([1, 2])
    expect(view.validations.map(({ step }) => step)).toEqual([10])
    expect(view.norms).toHaveLength(1)
    expect(view.secondsLeft).toBeCloseTo(83, 9)
  })

  it('counts an update that was left out, and says which model is the best', () => {
    const skipped = { event: 'skipped', step: 1, seconds: 2, skipped: 1, message: 'update 1: a bad frame' } as const
    const best = { event: 'best', step: 2, seconds: 2, metric: 'd1', figure: 0.5 } as const
    const view = viewOf([startEvent(0), stepEvent(0), skipped, best])
    expect(view).toMatchObject({ done: 2, warnings: [skipped], best, ending: null })
    // A line of a version to come.
    expect(viewOf([startEvent(0), { ...best, event: 'unheard of' } as unknown as TrainEvent]).ending).toBeNull()
  })

  it('forgets the run before, where another began in the same log', () => {
    const view = viewOf([
      ...[startEvent(0), ...steps(0, 5), validationEvent(5)],
      { event: 'failed', step: 5, seconds: 5, message: 'no' },
      startEvent(0),
    ])
    expect(view).toMatchObject({ ending: null, done: 0, loss: null, validations: [] })
    expect(view.steps.points(10)).toEqual([])
  })
})

describe('LogTail', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await temporaryFolder()
  })

  it('reads each line once, a line only when it is whole, and none that is torn', async () => {
    const tail = new LogTail(folder)
    expect(tail.read()).toBeNull()
    await appendLog(folder, [startEvent(0), stepEvent(0)])
    await appendFile(join(folder, 'log.jsonl'), '{"event":"st')
    const first = tail.read()
    expect(first?.events).toEqual([startEvent(0), stepEvent(0)])
    expect(first?.isNew).toBe(true)
    expect(tail.read()).toMatchObject({ events: [], isNew: false })
    await appendFile(join(folder, 'log.jsonl'), '\n') // as the next session ends a torn line
    await appendLog(folder, [startEvent(1)])
    expect(tail.read()?.events).toEqual([startEvent(1)])
  })

  it('begins anew with another log, and a letter that is cut between two reads is whole', async () => {
    const tail = new LogTail(folder)
    const path = join(folder, 'log.jsonl')
    const line = Buffer.from(`${JSON.stringify({ ...startEvent(0), notes: ['Küche'] })}\n`)
    const cut = line.indexOf('ü') + 1
    await writeFile(path, line.subarray(0, cut))
    expect(tail.read()?.events).toEqual([])
    await appendFile(path, line.subarray(cut))
    expect(tail.read()?.events).toMatchObject([{ notes: ['Küche'] }])
    await rm(path)
    await appendLog(folder, [startEvent(3)])
    expect(tail.read()).toMatchObject({ isNew: true, events: [startEvent(3)] })
  })
})
