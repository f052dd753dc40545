/** What a prediction leaves behind beside its results: nothing. In a process of its own, as a user's shell starts it. */
import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { beforeAll, expect, it } from 'vitest'
import { compiledUrl, DAR } from '../../test/compiled.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Without this ONNX Runtime is as it is on a user's machine: there it asks whether it runs under CI. */
const environment = (home: string, temporary: string) => ({ PATH: process.env.PATH, HOME: home, TMPDIR: temporary })

interface Ended {
  readonly code: unknown
  readonly signal: unknown
}

const dar = (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, [DAR, ...args], { cwd: ROOT, env, maxBuffer: 2 ** 26 }, (error) =>
      resolve({ code: error?.code ?? 0, signal: error?.signal ?? null }),
    )
  })

it('a prediction with 40 KB of arguments ends well, and writes nothing but its results', {
  timeout: 240_000,
}, async () => {
  const [home, temporary, out] = ['home', 'temporary', 'out'].map((name) => join(folder, name))
  await mkdir(home)
  await mkdir(temporary)
  const model = await writeTinyModel(join(folder, 'tiny.safetensors'))
  const photo = join(folder, 'photo.png')
  await sharp({ create: { width: 40, height: 30, channels: 3, background: '#864' } }).toFile(photo)
  const absent = Array.from({ length: 400 }, (_, i) =>
    join(folder, `${'a photo that is not there '.repeat(3)}${i}.jpg`),
  )
  const line = ['predict', photo, ...absent, '--model', model, '--threads', '1', '--out', out]
  expect(line.join(' ').length).toBeGreaterThan(40_000)
  const ended = await dar(line, environment(home, temporary))
  expect(ended).toEqual({ code: 1, signal: null }) // 1: photos were missing; the one that was there is done
  expect((await readdir(out)).sort()).toEqual(['photo.color.png', 'photo.depth.npy', 'photo.depth.png'])
  expect(await readdir(home, { recursive: true })).toEqual([])
  expect(await readdir(temporary, { recursive: true })).toEqual([])
})

/** A program that predicts, in its main thread or in a worker of its own, and prints the sockets that it saw open on the way. */
const program = (photo: string, model: string) => `
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isMainThread, Worker } from 'node:worker_threads'
// Of the internet: those of other kinds join processes of this machine, as a thread and its parent.
const tables = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'].map((name) => '/proc/self/net/' + name)
const internet = () => tables.flatMap((table) => {
  try { return readFileSync(table, 'utf8').split('\\n').slice(1).map((line) => line.trim().split(/ +/)[9]) } catch { return [] }
})
const sockets = () => {
  const known = new Set(internet())
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const inode = /^socket:\\[(\\d+)\\]$/.exec(readlinkSync('/proc/self/fd/' + fd))?.[1]
      return known.has(inode) ? [inode] : []
    } catch { return [] }
  })
}
const before = new Set(sockets())
const seen = new Set()
const timer = setInterval(() => { for (const one of sockets()) if (!before.has(one)) seen.add(one) }, 2)
async function predict() {
  const { loadModel } = await import(${JSON.stringify(compiledUrl('index'))})
  const model = await loadModel(${JSON.stringify(model)}, { threads: 1 })
  await model.predict(${JSON.stringify(photo)})
  await model.dispose()
}
if (isMainThread && process.argv[2] === 'worker') {
  new Worker(new URL(import.meta.url)).on('error', (error) => { throw error }).on('exit', end)
} else predict().then(end)
function end() {
  clearInterval(timer)
  if (isMainThread) console.log(JSON.stringify([...seen]))
}
`

it.skipIf(process.platform !== 'linux').each(['main', 'worker'])(
  'the package in a program’s %s thread opens no socket, and leaves nothing in HOME or the temporary folder',
  { timeout: 240_000 },
  async (where) => {
    const [home, temporary] = ['home', 'temporary'].map((name) => join(folder, `${where}-${name}`))
    await mkdir(home)
    await mkdir(temporary)
    const model = await writeTinyModel(join(folder, `${where}.safetensors`))
    const photo = join(folder, `${where}.png`)
    await sharp({ create: { width: 40, height: 30, channels: 3, background: '#864' } }).toFile(photo)
    const script = join(folder, `${where}.mjs`)
    await writeFile(script, program(photo, model))
    const printed = await new Promise((resolve) => {
      const options = { cwd: ROOT, env: environment(home, temporary) }
      execFile(process.execPath, [script, where], options, (error, stdout, stderr) => resolve(error ? stderr : stdout))
    })
    expect(printed).toBe('[]\n')
    expect(await readdir(home, { recursive: true })).toEqual([])
    expect(await readdir(temporary, { recursive: true })).toEqual([])
  },
)
