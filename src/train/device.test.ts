import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { useSoftwareGpu } from '../../test/software-gpu.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import type { TrainEvent } from './run-log.ts'
import { tinyRecipe, writeRooms } from './testing.ts'
import { type TrainOptions, train } from './trainer.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  await writeRooms(join(folder, 'rooms'), { count: 4, width: 64, height: 32 })
})

interface Stop {
  readonly stopAfter?: number
}

async function run(name: string, options: Partial<TrainOptions>, updates: number, { stopAfter }: Stop = {}) {
  const stop = new AbortController()
  const out = join(folder, name)
  const events: TrainEvent[] = []
  const schedule = { rate: 1e-3, initialRate: 1e-4, finalRate: 1e-5, warmup: 5 }
  const recipe = tinyRecipe({ stages: [{ height: 32, width: 32, batch: 2, updates }], schedule, validateEvery: 1000 })
  const onEvent = (event: TrainEvent) => {
    events.push(event)
    if (events.filter((one) => one.event === 'step').length === stopAfter) stop.abort()
  }
  await train(recipe, { data: folder, out, threads: 1, signal: stop.signal, onEvent, ...options })
  const losses = events.flatMap((event) => (event.event === 'step' ? [event.loss] : []))
  const start = events.find((event) => event.event === 'start')
  return { losses, start }
}

it('cuda, which needs a library of its own, is refused with the reason before anything is trained', async () => {
  const error = await run('cuda', { device: 'cuda' }, 1).catch((error: unknown) => error)
  expect(error).toMatchObject({ kind: 'missing' })
  expect((error as Error).message).toMatch(/^the device cuda cannot be used here: .+; take cpu$/)
  expect(await readFile(join(folder, 'cuda', 'log.jsonl'), 'utf8').catch(() => '')).not.toContain('"step",')
})

describe.skipIf(!useSoftwareGpu())('training on WebGPU', () => {
  it('gives the losses of the CPU to a thousandth over 50 updates, says what fell back, and leaves a checkpoint that the CPU goes on from', async () => {
    const cpu = await run('cpu', {}, 50)
    const gpu = await run('gpu', { device: 'webgpu' }, 50, { stopAfter: 49 })
    expect(gpu.start).toMatchObject({ device: 'webgpu' })
    expect(gpu.start?.notes.join()).toMatch(/a step has \d+ nodes on webgpu/)
    const rest = await run('gpu', { resume: true }, 50)
    const losses = [...gpu.losses, ...rest.losses]
    expect(losses).toHaveLength(50)
    expect(rest.losses).toHaveLength(1)
    expect(Math.max(...losses.map((loss, i) => Math.abs(loss / cpu.losses[i] - 1)))).toBeLessThan(1e-3)
  })
})
