/** `loadModel` of a model on the Hugging Face Hub: a server on this machine stands in for it. */
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { COMMIT, FakeHub } from '../hub/testing.ts'
import { live } from '../runtime/engine.ts'
import { type LoadModelOptions, loadModel } from './load-model.ts'

const hub = new FakeHub()
let hubUrl = ''
let bytes: Buffer
beforeAll(async () => {
  hubUrl = await hub.start()
  bytes = await readFile(await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors')))
})
afterAll(() => hub.stop())
beforeEach(async () => {
  hub.reset()
  hub.files.set('model.safetensors', { bytes, kind: 'lfs' })
  vi.stubEnv('HF_ENDPOINT', hubUrl)
  vi.stubEnv('DAR_CACHE', await temporaryFolder())
  for (const name of ['HF_HUB_OFFLINE', 'HF_TOKEN']) vi.stubEnv(name, '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const load = (name = 'hub:owner/name', options: LoadModelOptions = {}) => loadModel(name, { threads: 1, ...options })
const photo = { width: 40, height: 30, data: new Uint8Array(40 * 30 * 3) }

describe('loadModel of hub:owner/name', () => {
  it('downloads it with progress in bytes, and predicts', async () => {
    const seen: [number, number][] = []
    await using model = await load('hub:owner/name', { onProgress: (done, total) => seen.push([done, total]) })
    expect(model.name).toBe('owner/name')
    expect((await model.predict(photo)).depth.length).toBe(1200)
    expect(seen[0]).toEqual([0, bytes.length])
    expect(seen.at(-1)).toEqual([bytes.length, bytes.length])
  })

  it('takes it from the cache without a connection, and offline says so when it is not there', async () => {
    const connect = vi.spyOn(net.Socket.prototype, 'connect')
    await expect(load('hub:owner/name', { offline: true })).rejects.toThrow(
      /hub:owner\/name is not in the cache .* download it once without --offline \(`offline: true`/,
    )
    expect(connect).not.toHaveBeenCalled()
    expect(hub.requests).toEqual([])
    await (await load(`hub:owner/name@main/model.safetensors`)).dispose()
    expect(hub.requests).not.toEqual([]) // over a connection that may be open still
    connect.mockClear()
    hub.requests.length = 0
    await using model = await load(`hub:owner/name@${COMMIT}`, { offline: true })
    expect((await model.predict(photo)).width).toBe(40)
    expect(connect).not.toHaveBeenCalled()
    expect(hub.requests).toEqual([])
  })

  it('ends with the reason of a signal, keeps what came in, and goes on from there', async () => {
    const before = { ...live }
    const reason = new Error('no longer wanted')
    await expect(load('hub:owner/name', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(hub.requests).toEqual([])
    const stop = new AbortController()
    const seen: number[] = []
    const onProgress = (done: number) => {
      seen.push(done)
      if (done > 0) stop.abort(reason)
    }
    await expect(load('hub:owner/name', { signal: stop.signal, onProgress })).rejects.toBe(reason)
    expect(live).toEqual(before)
    const again: number[] = []
    await (await load('hub:owner/name', { onProgress: (done) => again.push(done) })).dispose()
    expect(again[0]).toBe(seen.at(-1))
  })
})

describe('loadModel', () => {
  it('knows the device by its name, and by the former one', async () => {
    await expect(load('dar-nano', { device: 'tpu' as 'cpu' })).rejects.toThrow(
      "there is no device 'tpu'; take one of cpu, webgpu, cuda",
    )
    await expect(load('dar-nano', { device: 'cpu', provider: 'cuda' })).rejects.toThrow(/provider, its former name/)
  })

  it('tells who writes a name of the Hub without hub: what to write', async () => {
    await expect(load('owner/name')).rejects.toThrow(/or write hub:owner\/name for a model of the Hugging Face Hub$/)
  })

  it('ends with the reason of a signal while the model is opened', async () => {
    const before = { ...live }
    const reason = new Error('no longer wanted')
    const stop = new AbortController()
    const loading = load('dar-nano', { signal: stop.signal })
    stop.abort(reason)
    await expect(loading).rejects.toBe(reason)
    expect(live).toEqual(before)
  })
})
