/** `dar serve` as a process: it answers, and on SIGTERM it loses nothing and ends with 0. */
import { request } from 'node:http'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { crashingEnvironment, fatal } from '../../test/crashing-decoder.ts'
import { restartDrill, startInstance } from '../../test/restart-drill.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { createProgram } from './program.ts'
import { registerServe } from './serve.ts'

let model = ''
let photo: Buffer
beforeAll(async () => {
  model = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
  photo = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#864' } })
    .jpeg()
    .toBuffer()
})

afterEach(() => {
  vi.unstubAllEnvs()
})

const serve = (...flags: string[]) => startInstance(model, '--threads', '1', ...flags)

function send(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'image/jpeg', 'content-length': photo.length }
    request(new URL('v1/depth', url), { method: 'POST', headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', reject)
      .end(photo)
  })
}

describe('dar serve', { timeout: 300_000 }, () => {
  it('answers all that has arrived when it is told to stop, and ends with 0', async () => {
    const { child, url, said, ended } = await serve('--max-queue', '100')
    expect(await send(url)).toBe(200)
    const answers = Array.from({ length: 60 }, () => send(url))
    const metric = async () =>
      (await (await fetch(new URL('metrics', url))).text()).match(/^dar_requests_in_flight (\d+)$/m)?.[1]
    // Either all are waiting now, or some are answered already: none is on its way.
    let arrived = 0
    for (const answer of answers)
      void answer.then(
        () => arrived++,
        () => {},
      )
    while (Number(await metric()) - 1 + arrived < 60) await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGTERM')
    expect((await Promise.all(answers)).filter((status) => status !== 200)).toEqual([])
    expect(await ended, said()).toBe(0)
    expect(said()).toBe(`tiny at ${url} until Ctrl-C\n`)
  })

  it.skipIf(process.platform === 'win32')('refuses a photo that crashes its decoder, and goes on', async () => {
    vi.stubEnv('NODE_OPTIONS', crashingEnvironment().NODE_OPTIONS)
    const { child, url, said, ended } = await serve()
    const sent = await fetch(new URL('v1/depth', url), {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: fatal(photo),
    })
    expect(await sent.json()).toMatchObject({
      status: 422,
      code: 'unusable-image',
      detail: expect.stringMatching(/^the image ended its decoder \(SIGSEGV\)/),
    })
    expect(await send(url)).toBe(200)
    child.kill('SIGTERM')
    expect(await ended, said()).toBe(0)
  })

  it('loses no request while one of its two instances ends under load', async () => {
    const drill = { photo, requests: 50, clients: 4, restarts: 1, start: () => serve('--notice', '0.5') }
    const { sent, lost, turned, codes } = await restartDrill(drill)
    expect(lost).toEqual([])
    expect(turned).toBeGreaterThan(0)
    expect(sent).toBeGreaterThanOrEqual(50)
    expect(codes).toEqual([0, 0])
  })

  it.each([
    [['--port', '99999'], '--port 99999: give a whole number from 0 to 65535'],
    [['--max-body', '0'], '--max-body 0: give a number above 0'],
    [['--token', ''], '--token is empty'],
    [['--model', 'nothing'], 'nothing'],
  ])('refuses %j', async (flags, message) => {
    const program = createProgram([registerServe], '0')
    await expect(program.parseAsync(['serve', ...flags], { from: 'user' })).rejects.toThrow(message)
  })
})
