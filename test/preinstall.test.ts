/** What `npm install dar-depth` says where only the npm registry can be reached. */
import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

interface Machine {
  readonly platform: string
  readonly env: Readonly<Record<string, string>>
  reach(): Promise<void>
}
const { problem, standIn } = (await import(new URL('../scripts/preinstall.mjs', import.meta.url).href)) as {
  problem(machine: Machine): Promise<string | null>
  standIn(place: { readonly platform: string; readonly from: string }): void
}

const away = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }))
const machine = (changes: Partial<Machine> = {}): Machine => ({
  platform: 'linux/x64',
  env: {},
  reach: away,
  ...changes,
})

it('knows where onnxruntime-node would fail, and why', async () => {
  expect(await problem(machine())).toBe('ENOTFOUND')
})

it('leaves nothing for the script of onnxruntime-node to download', async () => {
  const folder = await temporaryFolder()
  const modules = join(folder, 'node_modules')
  const bin = join(modules, 'onnxruntime-node/bin/napi-v6/linux/x64')
  await mkdir(bin, { recursive: true })
  const original = fileURLToPath(new URL('../node_modules/onnxruntime-node/script', import.meta.url))
  await cp(original, join(modules, 'onnxruntime-node/script'), { recursive: true })
  await writeFile(join(bin, 'libonnxruntime_providers_cuda.so'), 'a library that is there')
  // The two packages that it loads before it looks: nothing is downloaded, so they need not work.
  for (const name of ['global-agent', 'adm-zip']) {
    await mkdir(join(modules, name))
    await writeFile(join(modules, name, 'index.js'), 'exports.bootstrap = () => {}')
  }

  const from = pathToFileURL(join(folder, 'preinstall.mjs')).href
  standIn({ platform: 'linux/x64', from })
  standIn({ platform: 'linux/x64', from })
  expect((await readdir(bin)).sort()).toEqual([
    'libonnxruntime_providers_cuda.so',
    'libonnxruntime_providers_shared.so',
    'libonnxruntime_providers_tensorrt.so',
  ])
  expect(await readFile(join(bin, 'libonnxruntime_providers_cuda.so'), 'utf8')).toBe('a library that is there')
  if (`${process.platform}/${process.arch}` !== 'linux/x64') return
  const script = join(modules, 'onnxruntime-node/script/install.js')
  const { ONNXRUNTIME_NODE_INSTALL: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env })
  expect(stdout).toBe('')
})

it('says so where there is no onnxruntime-node to prepare', async () => {
  const from = pathToFileURL(join(await temporaryFolder(), 'preinstall.mjs')).href
  expect(() => standIn({ platform: 'linux/x64', from })).toThrow(/onnxruntime-node/)
})

it('says nothing where nothing fails, and asks nobody where nothing is downloaded', async () => {
  expect(await problem(machine({ reach: async () => {} }))).toBeNull()
  const never = () => Promise.reject(new Error('was asked'))
  for (const platform of ['linux/arm64', 'darwin/arm64', 'win32/x64'])
    expect(await problem(machine({ platform, reach: never }))).toBeNull()
  expect(await problem(machine({ env: { ONNXRUNTIME_NODE_INSTALL: 'skip' }, reach: never }))).toBeNull()
  expect(await problem(machine({ env: { npm_config_onnxruntime_node_install: 'skip' }, reach: never }))).toBeNull()
})

it('knows the platforms for which onnxruntime-node downloads', async () => {
  const path = new URL('../node_modules/onnxruntime-node/script/install-metadata.js', import.meta.url)
  const [, lists] = /requirements: \{(.*?)\}/s.exec(await readFile(path, 'utf8')) ?? []
  const downloading = [...(lists ?? '').matchAll(/'([\w/]+)': \[([^\]]*)\]/g)].filter(([, , files]) => files !== '')
  expect(downloading.map(([, platform]) => platform)).toEqual(['linux/x64'])
})
