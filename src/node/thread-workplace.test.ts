import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import type { RgbImage } from '../image/types.ts'
import { createDepthModel } from '../predict/depth-model.ts'
import { EngineError, live } from '../runtime/engine.ts'
import { MAP_ABOVE } from './prediction-protocol.ts'
import { ThreadWorkplace } from './thread-workplace.ts'

function photo(): RgbImage {
  const [width, height] = [100, 75]
  return {
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => 128 + 100 * Math.sin(i / 50)),
  }
}

let file = ''
beforeAll(async () => {
  file = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
})

const open = (nameOrPath = file) =>
  new ThreadWorkplace({
    nameOrPath,
    mapAbove: MAP_ABOVE,
    batch: 1,
    threads: 1,
    idle: 'spin',
    provider: 'cpu',
  })

describe('the thread of a model', () => {
  const threadOf = (of: ThreadWorkplace) => Reflect.get(of, 'thread')
  // The thread destructures what it is sent, and ends with a TypeError when that is null.
  const crash = (of: ThreadWorkplace) => (Reflect.get(threadOf(of), 'worker') as Worker).postMessage(null)

  it('is replaced once when it dies, and only the call in it fails', async () => {
    const before = { ...live }
    {
      const workplace = open()
      await using fresh = createDepthModel(await workplace.open(), workplace)
      const { depth } = await fresh.predict(photo())
      const first = threadOf(workplace)
      crash(workplace)
      const calls = Array.from({ length: 5 }, () => fresh.predict(photo()))
      const outcomes = await Promise.allSettled(calls)
      const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(failed.length).toBe(1)
      expect(failed[0].reason).toBeInstanceOf(EngineError)
      expect(failed[0].reason.message).toMatch(
        /thread of the engine ended.*another takes its place\nOnly this call is lost/,
      )
      for (const outcome of outcomes)
        if (outcome.status === 'fulfilled')
          expect(outcome.value.depth.every((value, i) => value === depth[i])).toBe(true)
      expect(threadOf(workplace)).not.toBe(first)
      expect(live.engines).toBe(before.engines + 1)
      crash(workplace)
      await expect(fresh.predict(photo())).rejects.toThrow('the thread of the engine ended')
      await expect(fresh.predict(photo())).rejects.toThrow(/replaced once\nNothing more can run/)
    }
    expect(live).toEqual(before)
  })

  it('is gone for good, and no other mistake, when its model cannot be opened again', async () => {
    const folder = await temporaryFolder()
    const workplace = open(await writeTinyModel(join(folder, 'tiny.safetensors')))
    await using model = createDepthModel(await workplace.open(), workplace)
    crash(workplace)
    await expect(model.predict(photo())).rejects.toThrow(/another takes its place/)
    await rm(folder, { recursive: true })
    for (const reason of [/cannot be started again: .*tiny\.safetensors/, /replaced once/]) {
      const error = await model.predict(photo()).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ kind: 'gone', message: expect.stringMatching(reason) })
    }
  })
})

describe('many calls at once', () => {
  it('hold no more than a few photos as pixels at a time', async () => {
    const workplace = open()
    await using model = createDepthModel(await workplace.open(), workplace)
    let held = 0
    let most = 0
    const decode = workplace.decode.bind(workplace)
    const predict = workplace.predict.bind(workplace)
    vi.spyOn(workplace, 'decode').mockImplementation(async (input) => {
      most = Math.max(most, ++held)
      return decode(input)
    })
    vi.spyOn(workplace, 'predict').mockImplementation(async (network, jobs) => {
      const answers = await predict(network, jobs)
      held -= jobs.length
      return answers
    })
    const maps = await Promise.all(Array.from({ length: 40 }, () => model.predict(photo())))
    expect(maps.length).toBe(40)
    expect(most).toBeLessThanOrEqual(3)
  })
})
