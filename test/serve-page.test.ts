/** The commands of docs/serve.md, as a shell runs them, against a server. */
import { execFile } from 'node:child_process'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeNpy } from '../src/image/index.ts'
import { decodeDepthPng, loadModel } from '../src/node/index.ts'
import type { DepthModel } from '../src/predict/index.ts'
import { DEFAULT_LIMITS, type DepthServer, listen } from '../src/serve/index.ts'
import { hasProgram } from './has-program.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const page = await readFile(join(ROOT, 'docs/serve.md'), 'utf8')
const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, command]) => command.trim())
const requests = commands.filter((command) => command.includes('curl'))

/** The photo of the examples: 600×400. */
const [WIDTH, HEIGHT] = [600, 400]

describe.skipIf(!hasProgram('curl'))('the requests of docs/serve.md', () => {
  let folder = ''
  let model: DepthModel
  let server: DepthServer
  beforeAll(async () => {
    folder = await temporaryFolder()
    await copyFile(join(ROOT, 'examples/coffee.jpg'), join(folder, 'photo.jpg'))
    // The page names the shipped model; a tiny one of that name answers as well.
    model = await loadModel(await writeTinyModel(join(folder, 'dar-nano.safetensors')), { threads: 1 })
    server = await listen({ model, port: 0, token: 'change-me' })
  })
  afterAll(async () => {
    await server?.drain()
    await model?.dispose()
  })

  /** What a command prints. It fails if the server says anything but 200. */
  async function run(command: string): Promise<string> {
    const token = command.includes('Bearer') ? '' : "-H 'authorization: Bearer change-me'"
    const here = command.replace('curl ', `curl -sSf ${token} `).replace('http://127.0.0.1:8000/', server.url)
    return (await promisify(execFile)('bash', ['-c', here], { cwd: folder, maxBuffer: 2 ** 26 })).stdout
  }
  const withOut = (name: string) => requests.filter((command) => command.endsWith(`-o ${name}`))

  it('are all tried here', () => {
    const known = ['depth.png', 'colours.png', 'depth.npy'].flatMap(withOut)
    expect(requests.filter((command) => !known.includes(command))).toHaveLength(2) // a stream, and tensors
  })

  it.each(withOut('depth.png'))('%s', async (command) => {
    await run(command)
    const { width, height } = await decodeDepthPng(join(folder, 'depth.png'))
    expect([width, height]).toEqual([WIDTH, HEIGHT])
  })

  it.each(withOut('colours.png'))('%s', async (command) => {
    await run(command)
    expect((await sharp(join(folder, 'colours.png')).metadata()).height).toBe(HEIGHT)
  })

  it.each(withOut('depth.npy'))('%s', async (command) => {
    await run(command)
    expect(decodeNpy(await readFile(join(folder, 'depth.npy'))).shape).toEqual([HEIGHT, WIDTH])
  })

  it.each(requests.filter((command) => command.includes('/stream')))('%s', async (command) => {
    expect(await run(command)).toMatch(/^event: step\ndata: {"step":1,"of":2,/)
  })

  it.each(requests.filter((command) => command.includes('/infer')))('%s', async (command) => {
    expect(JSON.parse(await run(command))).toMatchObject({ outputs: [{ name: 'depth', shape: [1, 2] }] })
  })
})

it('the table of limits in docs/serve.md has the defaults', () => {
  const cell = (what: string) => new RegExp(`^\\| ${what}.*?\\| ([^|]+) \\|`, 'm').exec(page)?.[1]
  const { maxBody, maxPixels, maxQueue, deadline, maxConnections, bodyTime, headersTime, idleTime, maxBuffered } =
    DEFAULT_LIMITS
  const seconds = [bodyTime, headersTime, idleTime].map((time) => `${time / 1000} s`).join(', ')
  expect(cell('size of a body')).toBe(`${maxBody / 2 ** 20} MB`)
  expect(cell('pixels of a photo')).toBe(`${maxPixels / 1e6} megapixels`)
  expect(cell('requests that wait')).toBe(String(maxQueue))
  expect(cell('time from a request')).toBe(`${deadline / 1000} s`)
  expect(cell('connections')).toBe(String(maxConnections))
  expect(cell('time for a body')).toBe(seconds)
  expect(cell('bodies in memory')).toBe(`${maxBuffered / 2 ** 20} MB, or one body if that is more`)
})
