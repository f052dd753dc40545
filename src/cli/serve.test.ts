/** `dar serve` as a process: it answers, and on SIGTERM it loses nothing and ends with 0. */
import { type ChildProcess, spawn } from 'node:child_process'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { DAR } from '../../test/compiled.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { createProgram } from './program.ts'
import { registerServe } from './serve.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let model = ''
let photo: Buffer
beforeAll(async () => {
  model = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
  photo = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#864' } })
    .jpeg()
    .toBuffer()
})

interface Serving {
  readonly child: ChildProcess
  readonly url: string
  readonly said: () => string
  readonly ended: Promise<string | number | null>
}

async function serve(...flags: string[]): Promise<Serving> {
  const args = [DAR, 'serve', '--model', model, '--threads', '1', '--port', '0', ...flags]
  const { DAR_TOKEN: _, ...env } = process.env
  const child = spawn(process.execPath, args, { cwd: ROOT, env })
  let text = ''
  const ended = new Promise<string | number | null>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on('data', (bytes) => {
      text += bytes
      const [, found] = /tiny at (\S+) until Ctrl-C/.exec(text) ?? []
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new Error(text)))
  })
  return { child, url, said: () => text, ended }
}

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
