/**
 * The browser app: as files (what it is made of, how large it is, that it needs no host in particular), and in a real browser, where
 * it is held against Node's predictions. One build, and one page that everything is tried on in turn.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { validateBytes } from 'gltf-validator'
import type { Browser } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeNpy } from '../src/image/index.ts'
import { decodeDepthPng, loadModel } from '../src/node/index.ts'
import { listen, Site } from '../src/serve/index.ts'
import { findChromium } from './chromium.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { tinyMobile } from './tiny-config.ts'
import { writeTinyModel } from './tiny-model.ts'
import { App, buildPage, launch, type Served, serve, WAIT } from './web-page.ts'

/** Bytes of the app's code with gzip, three.js and everything else that is loaded later among them. */
const BUDGET = 250_000

let folder = ''
let files: string[] = []
beforeAll(async () => {
  folder = await temporaryFolder()
  await buildPage(folder)
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

const browserPath = findChromium()
const photo = fileURLToPath(new URL('../examples/coffee.jpg', import.meta.url))

/** mean |a − b| / b */
function absRel(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]) / b[i], 0) / a.length
}

describe.skipIf(browserPath === null)('the page in a browser', { timeout: 2 * WAIT }, () => {
  let browser: Browser
  let host: Served
  let app: App
  beforeAll(async () => {
    host = await serve(folder)
    browser = await launch(browserPath ?? '')
    app = new App(await browser.newPage({ viewport: { width: 1280, height: 900 } }))
    await app.page.goto(`${host.url}?engine=wasm`)
  }, WAIT)
  afterAll(async () => {
    await browser?.close()
    await host?.close()
  }, WAIT)

  it('shows the example’s depth at once, with a pixel explained, from this server alone', async () => {
    await app.finished('room.jpg by dar-nano')
    expect(await app.text('#engine')).toBe('on your CPU (wasm, 1 thread)') // this host does not isolate it
    expect(await app.text('#lens')).toContain('From the photo’s EXIF (33 mm on full frame)')
    expect(await app.text('#tree-text')).toContain('4 depths to choose from at first')
    expect((await app.canvas('#over')).colours).toBeGreaterThan(5)
    expect(app.requests.filter((url) => !url.startsWith(host.url) && !/^(data|blob):/.test(url))).toEqual([])
    expect(app.errors).toEqual([])
  })

  it('shows a photo that is dropped, with Node’s depths', async () => {
    await app.drop('coffee.jpg', readFileSync(photo))
    await app.finished('coffee.jpg by dar-nano')
    await using model = await loadModel('dar-nano')
    const expected = await model.predict(photo)
    const { name, bytes } = await app.save('npy')
    expect(name).toBe('coffee.depth.npy')
    const { data, shape } = decodeNpy(bytes)
    expect(shape).toEqual([400, 600])
    expect(absRel(data, expected.depth)).toBeLessThan(0.005)
    // What stands under the pointer is the same number.
    const box = (await app.page.locator('#under').boundingBox())!
    await app.page.mouse.move(box.x + 0.75 * box.width, box.y + 0.25 * box.height)
    const metres = await app.text('#tip')
    const there = data[100 * 600 + 450]
    expect(metres).toBe(there < 0.995 ? `${(100 * there).toFixed(0)} cm` : `${there.toFixed(2)} m`)
  })

  it('is given by dar serve, isolated and within its policy, and predicts there', async () => {
    await using model = await loadModel(await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors')))
    const server = await listen({ model, port: 0, site: new Site(folder) })
    const served = new App(await browser.newPage())
    try {
      await served.page.goto(`${server.url}?engine=wasm`)
      await served.finished('room.jpg by dar-nano')
      expect(await served.page.evaluate(() => crossOriginIsolated)).toBe(true)
      expect((await served.canvas('#over')).colours).toBeGreaterThan(5)
      expect(served.requests.filter((url) => !url.startsWith(server.url) && !/^(data|blob):/.test(url))).toEqual([])
      // The photo stayed in the page.
      expect(served.requests.filter((url) => /\/v[12]\//.test(url))).toEqual([])
      expect(served.errors).toEqual([])
    } finally {
      await served.page.close()
      await server.drain()
    }
  })

  it('saves files that others read, of the same depths', async () => {
    const { data } = decodeNpy((await app.save('npy')).bytes)
    const png = await decodeDepthPng((await app.save('png16')).bytes)
    const apart = png.data.reduce((most, metres, i) => Math.max(most, Math.abs(metres - data[i])), 0)
    expect(apart).toBeLessThan(0.00051)
    const glb = await app.save('glb')
    expect(glb.name).toBe('coffee.glb')
    const { messages } = (await validateBytes(new Uint8Array(glb.bytes))).issues
    expect(messages.filter(({ code }) => code !== 'IMAGE_NPOT_DIMENSIONS')).toEqual([]) // photos are of any size
    expect(glb.bytes.length).toBeGreaterThan(1e6)
    const ply = (await app.save('ply')).bytes
    const header = ply.toString('latin1', 0, ply.indexOf('end_header\n') + 11)
    const count = Number(/element vertex (\d+)/.exec(header)?.[1])
    expect(count).toBe(600 * 400)
    expect(ply.length).toBe(header.length + 15 * count)
    const { width, height } = await sharp((await app.save('colour')).bytes).metadata()
    expect(height).toBeGreaterThanOrEqual(400)
    expect(width).toBeGreaterThan(600) // with its legend
  })

  it('shows the steps as a film that keys and clicks move', async () => {
    const frames = app.page.locator('#frames button')
    expect(await frames.count()).toBe(5)
    const last = await app.canvas('#over')
    await frames.first().click()
    await app.until(() => document.querySelector('#scrub-text')?.textContent?.startsWith('1 of 5'))
    const first = await app.canvas('#over')
    expect(first.sum).not.toBe(last.sum)
    await app.page.locator('#scrub').press('End')
    await app.until(() => document.querySelector('#scrub-text')?.textContent?.startsWith('5 of 5'))
    expect((await app.canvas('#over')).sum).toBe(last.sum)
  })

  it('shows the tree of the pixel that is clicked, as metres of the map', async () => {
    const before = await app.text('#tree-text')
    const box = (await app.page.locator('#under').boundingBox())!
    await app.page.mouse.click(box.x + 0.8 * box.width, box.y + 0.2 * box.height)
    await app.until((old) => {
      const text = document.querySelector('#tree-text')?.textContent
      return text?.includes('Result') && text !== old
    }, before)
    const bins = await app.page
      .locator('#tree-steps li')
      .evaluateAll((items) => items.map((item) => item.dataset.probabilities ?? ''))
    expect(bins.map((text) => text.split(' ').length)).toEqual([4, 8, 16, 32, 64, 64]) // all branches stay
    for (const text of bins) expect(text.split(' ').reduce((sum, p) => sum + Number(p), 0)).toBeCloseTo(1, 2)
    expect((await app.canvas('#tree')).drawn).toBeGreaterThan(0.01)
    expect(await app.page.locator('#profile canvas').count()).toBe(1)
  })

  it('shows how sure it is, and points in space that turn', async () => {
    const depth = await app.canvas('#over')
    await app.show('sigma')
    await app.until(() => document.querySelector('#name-right')?.textContent === 'uncertainty')
    expect((await app.canvas('#over')).sum).not.toBe(depth.sum)
    await app.show('cloud')
    await app.until(() => Number(document.querySelector<HTMLElement>('#cloud-canvas')?.dataset.points) > 10_000)
    const points = await app.canvas('#cloud-canvas')
    expect(points.drawn).toBeGreaterThan(0.3)
    expect(points.colours).toBeGreaterThan(30)
    const frame = await app.page.locator('#cloud-canvas').getAttribute('data-frame')
    await app.page.locator('#cloud-canvas').press('ArrowRight')
    await app.until((old) => document.querySelector<HTMLElement>('#cloud-canvas')?.dataset.frame !== old, frame)
    expect((await app.canvas('#cloud-canvas')).sum).not.toBe(points.sum)
    await app.show('depth')
  })

  it('takes another lens, and gives it back', async () => {
    const before = Number.parseFloat(await app.text('#fov-text'))
    await app.page.locator('#fov').fill('100')
    await app.until(() => document.querySelector('#lens')?.textContent?.startsWith('Chosen by hand'))
    const near = decodeNpy((await app.save('npy')).bytes).data
    await app.page.locator('#lens-reset').click()
    await app.until(() => document.querySelector('#lens')?.textContent?.startsWith('The photo does not tell its lens'))
    const far = decodeNpy((await app.save('npy')).bytes).data
    const half = (degrees: number) => Math.tan((degrees * Math.PI) / 360)
    expect(near[0] / far[0]).toBeCloseTo(half(before) / half(100), 1)
  })

  it('puts another model beside it, whose windows close', async () => {
    await app.page.locator('#model').selectOption('dar-nano-1')
    await app.finished('coffee.jpg by dar-nano-1')
    const items = app.page.locator('#tree-steps li')
    const bins = await items.evaluateAll((all) =>
      all.map((item) => (item.dataset.probabilities ?? '').split(' ').length),
    )
    expect(bins).toEqual([16, 16, 16, 16, 16])
    await app.page.locator('input[value="models"] + span').click()
    await app.page.locator('#other').selectOption('dar-nano')
    await app.until(() => document.documentElement.dataset.other === 'coffee.jpg by dar-nano')
    expect([await app.text('#name-left'), await app.text('#name-right')]).toEqual(['dar-nano-1', 'dar-nano'])
    expect((await app.canvas('#under')).sum).not.toBe((await app.canvas('#over')).sum)
    await app.show('depth')
    await app.page.locator('#model').selectOption('dar-nano')
    await app.finished('coffee.jpg by dar-nano')
  })

  it('says what is wrong with a file, and goes on', async () => {
    await app.drop('notes.txt', Buffer.from('no picture'), 'text/plain')
    await app.until(() => document.querySelector<HTMLElement>('#problem')?.hidden === false)
    expect(await app.text('#problem')).toContain('notes.txt')
    await app.drop('cup.jpg', readFileSync(photo))
    await app.finished('cup.jpg by dar-nano')
    expect(await app.page.locator('#problem').isHidden()).toBe(true)
  })

  it('follows a webcam, and keeps a frame', async () => {
    await app.page.locator('#webcam').click()
    await app.until(() => Number(document.documentElement.dataset.frames) >= 2)
    await app.page.locator('#shutter').click()
    await app.finished('webcam by dar-nano')
    expect(await app.page.locator('#frames button').count()).toBe(5)
    expect(await app.text('#webcam')).toBe('Webcam')
  })

  it('fits a narrow window, light and dark, with a name for everything that is operated', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await app.page.emulateMedia({ colorScheme })
      await app.page.setViewportSize({ width: 360, height: 740 })
      await app.until(() => document.documentElement.scrollWidth <= 360)
    }
    const nameless = await app.page.evaluate(() =>
      [
        ...document.querySelectorAll<HTMLElement>(
          'button, input:not([hidden]), select, canvas[tabindex], [role="slider"]',
        ),
      ]
        .filter(
          (item) =>
            !(
              item.getAttribute('aria-label') ||
              item.textContent?.trim() ||
              item.closest('label')?.textContent?.trim()
            ),
        )
        .map((item) => item.outerHTML),
    )
    expect(nameless).toEqual([])
    await app.page.locator('#stage').press('ArrowRight')
    expect(await app.text('#readout')).toMatch(/^Pixel \d+, \d+: [\d.]+ c?m/)
    await app.page.setViewportSize({ width: 1280, height: 900 })
  })

  it('works without a network after the first visit, and on several threads where there are several cores', async () => {
    await app.until(() => document.documentElement.dataset.offline === 'ready')
    await host.close()
    await app.page.reload()
    await app.finished('room.jpg by dar-nano')
    // Its own service worker isolates it now.
    expect(await app.page.evaluate(() => crossOriginIsolated)).toBe(true)
    const cores = await app.page.evaluate(() => navigator.hardwareConcurrency)
    expect(await app.text('#engine')).toContain(`wasm, ${Math.min(8, cores)} thread`)
    expect(app.errors.filter((error) => !/ERR_CONNECTION_REFUSED|Failed to load resource/.test(error))).toEqual([])
  })
})

describe.skipIf(browserPath === null)('the page on WebGPU', { timeout: 4 * WAIT }, () => {
  // A small model without a transformer: a GPU in software compiles each of some sixty shaders on the CPU, for ten seconds in all.
  it('has the depths of Node', async () => {
    const config = tinyMobile({ head: 'bins', encoderMultiplier: 0.5 })
    const metadata = { predictSize: '64x32' }
    const model = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'), { config, metadata })
    const host = await serve(folder, { model: readFileSync(model) })
    const browser = await launch(browserPath ?? '', { webgpu: true })
    try {
      const app = new App(await browser.newPage())
      await app.page.goto(`${host.url}?engine=webgpu`)
      await app.page.waitForFunction(
        () =>
          document.documentElement.dataset.shown === 'room.jpg by dar-nano' ||
          !document.querySelector<HTMLElement>('#problem')?.hidden,
        null,
        { timeout: 3 * WAIT },
      )
      expect(await app.page.locator('#problem').textContent()).toBe('')
      expect(await app.text('#engine')).toBe('on your GPU (WebGPU)')
      const { data } = decodeNpy((await app.save('npy')).bytes)
      await using reference = await loadModel(model)
      const { depth } = await reference.predict(
        fileURLToPath(new URL('../examples/room/rgb/room.jpg', import.meta.url)),
      )
      expect(absRel(data, depth)).toBeLessThan(0.005)
      expect(app.errors).toEqual([])
    } finally {
      await browser.close()
      await host.close()
    }
  })

  it('computes on wasm where there is no WebGPU, and says so', async () => {
    const model = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
    const host = await serve(folder, { model: readFileSync(model) })
    const browser = await launch(browserPath ?? '')
    try {
      const app = new App(await browser.newPage())
      await app.page.goto(`${host.url}?engine=webgpu`)
      await app.finished('room.jpg by dar-nano')
      expect(await app.text('#engine')).toBe('on your CPU (wasm, 1 thread): WebGPU failed')
      expect(await app.page.locator('#engine').getAttribute('title')).toContain('WebGPU does not work here')
    } finally {
      await browser.close()
      await host.close()
    }
  })
})

describe.skipIf(browserPath === null)('examples/three-point-cloud', { timeout: 2 * WAIT }, () => {
  it('makes points of a photo, and shows them', async () => {
    const example = fileURLToPath(new URL('../examples/three-point-cloud', import.meta.url))
    const { build } = await import('vite')
    const built = await temporaryFolder()
    await build({
      root: example,
      base: './',
      configFile: false,
      logLevel: 'error',
      build: { outDir: built, target: 'es2022' },
    })
    // @ts-expect-error an example is plain JavaScript
    const { makePoints } = await import('../examples/three-point-cloud/make-points.mjs')
    const model = await writeTinyModel(join(built, 'tiny.safetensors'))
    await makePoints(photo, join(built, 'points.ply'), { model, threads: 1 })
    const host = await serve(built)
    const browser = await launch(browserPath ?? '')
    try {
      const app = new App(await browser.newPage({ viewport: { width: 640, height: 480 } }))
      await app.page.goto(host.url)
      await app.until(() => document.documentElement.dataset.points === '240000') // 600×400
      expect((await app.canvas('canvas')).colours).toBeGreaterThan(20)
      expect(app.errors).toEqual([])
    } finally {
      await browser.close()
      await host.close()
    }
  })
})

describe.skipIf(browserPath === null)('examples/react', { timeout: 2 * WAIT }, () => {
  it('shows a photo’s depth, with Node’s metres, and says what is no photo', async () => {
    const example = fileURLToPath(new URL('../examples/react', import.meta.url))
    const { build } = await import('vite')
    const built = await temporaryFolder()
    const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
    await build({
      root: example,
      logLevel: 'error',
      // The package by its own name, from its sources.
      resolve: {
        alias: [
          { find: /^dar-depth\/(web|image)$/, replacement: here('../src/$1/index.ts') },
          { find: /^dar-depth\/models/, replacement: here('../models') },
        ],
      },
      build: { outDir: built, assetsInlineLimit: 0 },
    })
    const model = await writeTinyModel(join(built, 'tiny.safetensors'))
    const host = await serve(built, { model: readFileSync(model) })
    const browser = await launch(browserPath ?? '')
    try {
      const app = new App(await browser.newPage())
      await app.page.goto(host.url)
      const choose = (name: string, buffer: Buffer) =>
        app.page.locator('input').setInputFiles({ name, mimeType: 'image/jpeg', buffer })
      await choose('coffee.jpg', readFileSync(photo))
      await app.until(() => document.querySelector('figcaption')?.textContent?.startsWith('Step 2 of 2'))
      await using reference = await loadModel(model)
      const { depth } = await reference.predictMaps(photo)
      const middle = depth.data[(depth.height >> 1) * depth.width + (depth.width >> 1)]
      const shown = Number(/([\d.]+) m away/.exec(await app.text('figcaption'))?.[1])
      expect(Math.abs(shown / middle - 1)).toBeLessThan(0.005)
      expect((await app.canvas('canvas')).drawn).toBe(1)
      expect(await app.text('main')).toContain('Computed in this page, on wasm.')
      await choose('notes.jpg', Buffer.from('no picture'))
      await app.until(() => document.querySelector('[role="alert"]')?.textContent?.includes('not an image'))
      expect(app.errors).toEqual([])
    } finally {
      await browser.close()
      await host.close()
    }
  })
})
