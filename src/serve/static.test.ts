/** The browser app's folder: what is given of it, with which headers, and what is not. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { createApp } from './app.ts'
import { Site } from './static.ts'
import { tinyServed } from './testing.ts'

const tiny = tinyServed()
let site: Site
beforeAll(async () => {
  const root = await temporaryFolder()
  const folder = join(root, 'web')
  await mkdir(join(folder, 'assets'), { recursive: true })
  await mkdir(join(folder, '.hidden'))
  await writeFile(join(root, 'secret.txt'), 'secret')
  await writeFile(join(folder, 'index.html'), '<!doctype html>app')
  await writeFile(join(folder, 'assets', 'index-BfA3x_9k.js'), 'export {}')
  await writeFile(join(folder, 'a b.wasm'), 'wasm')
  await writeFile(join(folder, '.hidden', 'key.txt'), 'secret')
  await writeFile(join(folder, '.env'), 'secret')
  await symlink(join(root, 'secret.txt'), join(folder, 'link.txt'))
  await symlink(root, join(folder, 'up'))
  site = new Site(folder)
})
const ask = (path: string, init?: RequestInit) =>
  createApp({ model: tiny.model, site, token: 'x' }).app.request(path, init)

describe('the site', () => {
  it('is at /, needs no token, and may use threads', async () => {
    const response = await ask('/')
    expect([response.status, await response.text()]).toEqual([200, '<!doctype html>app'])
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('keeps files with a hash in their name for ever, and asks about the others', async () => {
    const script = await ask('/assets/index-BfA3x_9k.js')
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const page = await ask('/')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const etag = page.headers.get('etag') ?? ''
    const again = await ask('/', { headers: { 'if-none-match': `"other", W/${etag}` } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect((await ask('/', { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  })

  it('gives names with blanks, and an answer without body to HEAD', async () => {
    const wasm = await ask('/a%20b.wasm')
    expect([wasm.status, wasm.headers.get('content-type')]).toEqual([200, 'application/wasm'])
    const head = await ask('/', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/link.txt',
    '/up/secret.txt',
    '/up/',
    '/.hidden/key.txt',
    '/.env',
    '/assets',
    '/assets/',
    '//secret.txt',
    '/index.html%00',
    '/index.html/',
    '/%',
  ])('does not give %s', async (path) => {
    const response = await ask(path)
    expect(response.status).toBe(404)
    expect(await response.text()).not.toContain('secret')
  })

  it('takes no POST', async () => {
    expect((await ask('/', { method: 'POST' })).status).toBe(404)
  })
})
