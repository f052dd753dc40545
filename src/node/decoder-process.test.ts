import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import type { DarError } from '../support/errors.ts'
import { decodeImage } from './decode.ts'
import { DecoderProcess } from './decoder-process.ts'

vi.setConfig({ testTimeout: 300_000 }) // every process compiles its TypeScript anew

let photo = ''
let broken = ''
const decoder = new DecoderProcess()
beforeAll(async () => {
  const folder = await temporaryFolder()
  photo = join(folder, 'photo.jpg')
  await sharp({ create: { width: 90, height: 60, channels: 3, background: '#864' } })
    .withExif({ IFD2: { FocalLengthIn35mmFilm: '28' } })
    .jpeg()
    .toFile(photo)
  broken = join(folder, 'broken.jpg')
  await writeFile(broken, 'no image')
})
afterAll(() => decoder.dispose())

const failure = (decoding: Promise<unknown>): Promise<DarError> =>
  decoding.then(
    () => Promise.reject(new Error('it was decoded')),
    (error) => error,
  )

describe('a decoder in a process of its own', () => {
  it('gives the pixels, the lens and the errors of decodeImage', async () => {
    const expected = await decodeImage(photo)
    expect(expected.focal35).toBe(28)
    const decoded = await decoder.decode(photo)
    expect(decoded).toEqual(expected)
    expect(decoded.data.buffer.byteLength).toBe(decoded.data.length) // its own, so it can be transferred
    expect(await decoder.decode(await readFile(photo), { name: 'x' })).toEqual(expected)
    for (const path of [broken, `${photo}.gone`]) {
      const [one, other] = [await failure(decoder.decode(path)), await failure(decodeImage(path))]
      expect([one.name, one.message, one.kind]).toEqual([other.name, other.message, other.kind])
    }
  })

  describe.skipIf(process.platform === 'win32')('that is ended', () => {
    /** The decoder's process gets the photos while it is stopped, and the signal before it goes on. */
    async function endedBy(signal: NodeJS.Signals, photos: number) {
      await decoder.decode(photo)
      const { pid } = decoder
      if (pid === null) throw new Error('no process')
      process.kill(pid, 'SIGSTOP')
      const all = Array.from({ length: photos }, () => decoder.decode(photo))
      const settled = Promise.allSettled(all)
      process.kill(pid, signal)
      process.kill(pid, 'SIGCONT')
      const results = await settled
      return { results, pid }
    }

    it('by SIGSEGV while it had several photos gives all of them, from another process', async () => {
      const { results, pid } = await endedBy('SIGSEGV', 3)
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
      expect(decoder.pid).not.toBe(pid)
    })

    it.each([
      ['SIGSEGV', 'input', /photo\.jpg ended its decoder \(SIGSEGV\).*convert it with another program/],
      ['SIGKILL', 'memory', /photo\.jpg: the decoder was killed while it read it: is memory short\?/],
    ] as const)('by %s while it had one photo costs that photo', async (signal, kind, message) => {
      const { results } = await endedBy(signal, 1)
      expect(results).toMatchObject([{ status: 'rejected', reason: { name: 'DarError', kind } }])
      expect((results[0] as PromiseRejectedResult).reason.message).toMatch(message)
      expect((await decoder.decode(photo)).width).toBe(90)
    })
  })

  it('rejects what waits when it is disposed, and what comes after', async () => {
    const own = new DecoderProcess()
    const waiting = failure(own.decode(photo))
    await own.dispose()
    expect((await waiting).kind).toBe('gone')
    expect((await failure(own.decode(photo))).kind).toBe('gone')
  })
})
