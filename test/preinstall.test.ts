/** What `npm install dar-depth` says where only the npm registry can be reached. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

interface Machine {
  readonly platform: string
  readonly env: Readonly<Record<string, string>>
  reach(): Promise<void>
}
const { problem } = (await import(new URL('../scripts/preinstall.mjs', import.meta.url).href)) as {
  problem(machine: Machine): Promise<string | null>
}

const away = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }))
const machine = (changes: Partial<Machine> = {}): Machine => ({
  platform: 'linux/x64',
  env: {},
  reach: away,
  ...changes,
})

it('names the remedy in one line, where onnxruntime-node would fail', async () => {
  const text = await problem(machine())
  expect(text).toMatch(/^dar-depth: onnxruntime-node would download .* \(ENOTFOUND\); .* ONNXRUNTIME_NODE_INSTALL=skip/)
  expect(text).not.toContain('\n')
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
