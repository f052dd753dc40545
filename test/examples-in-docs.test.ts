/**
 * The examples of the README and of docs/: those that import this package run, in a folder with a small photo,
 * `photo.jpg`, and with a tiny model in the place of `dar-nano` (documented-names.test.ts checks their types). Other blocks of JavaScript,
 * pieces of recipes, are parsed.
 *
 * A comment on the line before a block says where it cannot be run: `<!-- example: not run, REASON -->`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { encodeDepthPng, loadModel } from '../src/index.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

interface Example {
  readonly name: string
  readonly code: string
  readonly checked: 'run' | 'parsed'
}

const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name))].filter((name) =>
  name.endsWith('.md'),
)
const examples: Example[] = pages.flatMap((page) => {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const blocks = text.matchAll(/(?:<!-- example: (not run), [^\n]+ -->\n+)?^```(?:js|ts)\n(.*?)^```/gms)
  return [...blocks].map(({ 1: less, 2: code, index }) => {
    const line = text.slice(0, index).split('\n').length
    const imports = /from 'dar-depth/.test(code)
    const checked = !imports || less === 'not run' ? 'parsed' : 'run'
    return { name: `${page}:${line}`, code, checked }
  })
})

let folder = ''
const home = process.cwd()
beforeAll(async () => {
  folder = await projectFolder()
  await sharp(join(ROOT, 'examples/room/rgb/room.jpg')).resize(64, 48).toFile(join(folder, 'photo.jpg'))
  await writeTinyModel(join(folder, 'tiny.safetensors'))
  await writeLidar()
  process.chdir(folder)
})
afterAll(() => process.chdir(home))

/** Points of the model's own map, a tenth farther away: what an example aligns to. */
async function writeLidar(): Promise<void> {
  await using model = await loadModel(join(folder, 'tiny.safetensors'), { threads: 1 })
  const { width, height, depth } = await model.predict(join(folder, 'photo.jpg'))
  const data = depth.map((metres, i) => (i % 7 === 0 ? 1.1 * metres : 0))
  await writeFile(join(folder, 'lidar.png'), await encodeDepthPng({ width, height, data }))
}

/** A folder in which packages are found as in a project that installed them. */
async function projectFolder(): Promise<string> {
  const place = await temporaryFolder()
  await symlink(join(ROOT, 'node_modules'), join(place, 'node_modules'))
  return place
}

it('are found', () => {
  expect(examples.filter(({ checked }) => checked === 'run').length).toBeGreaterThanOrEqual(7)
})

describe.each(examples)('$name', ({ name, code, checked }) => {
  it.runIf(checked === 'run')('runs', { timeout: 120_000 }, async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    try {
      const path = join(folder, `${name.replace(/\W+/g, '-')}.ts`)
      await writeFile(path, code.replaceAll("'dar-nano'", "'tiny.safetensors'"))
      await import(path)
    } finally {
      log.mockRestore()
    }
  })

  it.runIf(checked === 'parsed')('is JavaScript', async () => {
    // A piece of a recipe is the inside of an object.
    const whole = /^\s*\w+: /.test(code) ? `({${code}})` : code
    await expect(transform(whole, { loader: 'ts' })).resolves.toBeDefined()
  })
})
