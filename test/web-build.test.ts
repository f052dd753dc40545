/** The browser app as files: what it is made of, how large it is, and that it needs no host in particular. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildPage } from './web-page.ts'

/** Bytes of the app's code with gzip, three.js and everything else that is loaded later among them. */
const BUDGET = 250_000

let folder = ''
let files: string[] = []
beforeAll(async () => {
  folder = await buildPage()
  files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
}, 300_000)
const read = (name: string) => readFileSync(join(folder, name))
const isCode = (name: string) => /\.(m?js|css|html)$/.test(name)
const isEngine = (name: string) => /\/ort[.-]/.test(name)

describe('the built page', () => {
  it('has its code in few bytes', () => {
    const sizes = files
      .filter((name) => isCode(name) && !isEngine(name))
      .map((name) => [name, gzipSync(read(name), { level: 9 }).length] as const)
    expect(sizes.length).toBeGreaterThan(5)
    expect(
      sizes.reduce((sum, [, size]) => sum + size, 0),
      JSON.stringify(sizes),
    ).toBeLessThan(BUDGET)
  })

  it('imports nothing of Node', () => {
    for (const name of files.filter((file) => isCode(file) && !isEngine(file)))
      expect(
        [
          ...read(name)
            .toString()
            .matchAll(/(?:from|import\(|import|require\()\s*["'`](node:\w+|fs|path)["'`]/g),
        ].map(([, module]) => module),
        name,
      ).toEqual([])
  })

  it('names its files relative to itself, and none elsewhere', () => {
    const page = read('index.html').toString()
    const addresses = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address)
    expect(addresses.filter((address) => address.endsWith('.js'))).toHaveLength(1)
    expect(addresses.filter((address) => !/^(\.\/|data:)/.test(address))).toEqual([])
    for (const name of files.filter((file) => /\.(js|css)$/.test(file) && !isEngine(file)))
      expect(read(name).toString(), name).not.toMatch(/["'(]\/assets\//)
  })

  it('brings models, both engines, the example, and a list of what to keep without a network', () => {
    for (const part of [/model-.*\.safetensors$/, /threaded-.*\.wasm$/, /asyncify-.*\.wasm$/, /room-.*\.jpg$/])
      expect(
        files.some((name) => part.test(name)),
        String(part),
      ).toBe(true)
    const [, list] = /const FILES = (\[.*?\])/.exec(read('sw.js').toString()) ?? []
    const kept: string[] = JSON.parse(list)
    expect(kept.filter((name) => name !== './' && !files.includes(name))).toEqual([])
    expect(kept.filter((name) => /asyncify/.test(name))).toEqual([])
    expect(kept.some((name) => name.endsWith('.safetensors'))).toBe(true)
    expect(read('sw.js').toString()).not.toContain('self.VERSION')
  })
})
