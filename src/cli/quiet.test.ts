/** What a prediction leaves behind beside its results: nothing. In a process of its own, as a user's shell starts it. */
import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { beforeAll, expect, it } from 'vitest'
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
    execFile(
      process.execPath,
      ['--import', 'tsx', 'src/cli/main.ts', ...args],
      { cwd: ROOT, env, maxBuffer: 2 ** 26 },
      (error) => resolve({ code: error?.code ?? 0, signal: error?.signal ?? null }),
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
  const left = await readdir(temporary, { recursive: true })
  expect(left.filter((name) => !name.startsWith('tsx-'))).toEqual([]) // tsx keeps what it has compiled
})
