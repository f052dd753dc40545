import { describe, expect, it } from 'vitest'
import { PIXEL_METRICS, type PixelMetrics } from '../eval/index.ts'
import type { TrainEvent } from '../train/index.ts'
import { createReport } from './train-report.ts'

const START: TrainEvent = { event: 'start', step: 0, total: 100, parameters: 1_234_567, notes: ['a note'] }
const step = (number: number, loss: number): TrainEvent => ({
  event: 'step',
  step: number,
  loss,
  terms: [loss],
  rate: 1e-3,
  norm: 1,
  imagesPerSecond: 12,
  seconds: 1,
})
const metrics = (abs_rel: number): PixelMetrics => {
  const all = Object.fromEntries(PIXEL_METRICS.map((name) => [name, 0.5])) as PixelMetrics
  return { ...all, abs_rel }
}
const VALIDATION: Extract<TrainEvent, { event: 'validation' }> = {
  event: 'validation',
  step: 10,
  seconds: 1,
  sets: [
    { set: 'rooms', images: 4, metrics: metrics(0.25), steps: [metrics(0.3), metrics(0.25)], saturated: [0, 0.154] },
  ],
}
const end = (reason: 'done' | 'time' | 'interrupted', done: number): TrainEvent => ({
  event: 'end',
  step: done,
  total: 100,
  seconds: 75,
  reason,
})

function reported(events: readonly TrainEvent[], isTTY: boolean): string {
  let text = ''
  const stream = { isTTY, columns: 100, write: (more: string) => (text += more) }
  const report = createReport('runs/x', { stream })
  for (const event of events) report.onEvent(event)
  report.close()
  return text
}

describe('the report of a training run', () => {
  it('says when nothing comes through h any more, and nothing of h for a head without steps', () => {
    const withH = (saturated: readonly number[]): TrainEvent => ({
      ...VALIDATION,
      sets: VALIDATION.sets.map((set) => ({ ...set, saturated })),
    })
    expect(reported([START, withH([0.2, 0.99])], false)).toMatch(
      /h saturated up to 99 %: the decoder passes next to no gradient/,
    )
    expect(reported([START, withH([])], false)).not.toMatch(/saturated/)
  })

  it('is whole lines in a pipe: what runs, every validation, and how it ended', () => {
    const lines = reported([START, step(0, 4), VALIDATION, end('done', 100)], false).split('\n')
    expect(lines[0]).toBe('1.23 M parameters, 100 updates, into runs/x')
    expect(lines[1]).toBe('a note')
    expect(lines[2]).toBe(
      '  update 10, rooms (4 images): d1 0.500, abs_rel 0.250, rmse 0.500 m; abs_rel by step 0.300 0.250; h saturated up to 15 %',
    )
    expect(lines[3]).toMatch(/^updates 1\/100 · .*loss 4\.000, abs_rel 0\.250, d1 0\.500, 12\.0 images\/s$/)
    expect(lines.slice(4)).toEqual([
      'done: 100 updates, 1 min 15 s of training; the model is runs/x/model.safetensors',
      '',
    ])
  })

  it('has the last validation in the line of progress, as means over the sets', () => {
    const [set] = VALIDATION.sets
    const other = { ...set, set: 'others', metrics: { ...metrics(0.35), d1: 0.9 } }
    const text = reported([START, step(0, 4), { ...VALIDATION, sets: [set, other] }, step(99, 4)], false)
    expect(text).toMatch(/^updates 100\/100 · .*loss 4\.000, abs_rel 0\.300, d1 0\.700, 12\.0 images\/s$/m)
  })

  it('has the mean of the losses of a short run, not the first of them', () => {
    const text = reported([START, step(0, 20), step(1, 10), step(99, 6)], false)
    expect(text).toMatch(/^updates 100\/100 · .*loss 12\.000, /m)
  })

  it('takes the progress line of a terminal away before it prints another', () => {
    const text = reported([START, step(0, 4), VALIDATION, step(10, 4)], true)
    expect(text).toContain('\r\x1b[K  update 10, rooms')
    expect(text.endsWith('\n')).toBe(true) // also without an `end`, as when the run fails
    for (const line of text.split('\n').slice(0, -1)) expect(line.startsWith('\r')).toBe(true)
  })

  it.each([
    ['time', 'time is up after update 7 of 100, 1 min 15 s of training; go on with --resume\n'],
    ['interrupted', 'interrupted after update 7 of 100, 1 min 15 s of training; go on with --resume\n'],
  ] as const)('says how to go on after %s', (reason, line) => {
    expect(reported([START, step(6, 4), end(reason, 7)], false)).toContain(line)
  })

  it('says what several processes cost each other', () => {
    const told = '1 min 15 s of training; of this session, 2.0 s waiting for other processes and 0.5 s moving values'
    const ended = { ...end('time', 7), communication: { waiting: 2.04, moving: 0.5 } } as TrainEvent
    expect(reported([START, ended], false)).toContain(`${told}; go on with --resume\n`)
    const hidden = { ...end('time', 7), communication: { waiting: 2.04, moving: 0.5, exposed: 2.14 } } as TrainEvent
    expect(reported([START, hidden], false)).toContain(
      `${told}, 0.4 s of them while it computed; go on with --resume\n`,
    )
  })

  it('shows no progress for a run that was finished before', () => {
    const text = reported([{ ...START, step: 100 }, end('done', 100)], false)
    expect(text).not.toMatch(/updates \d+\/100/)
  })
})
