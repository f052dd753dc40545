/** The page of a training run in Chromium: before it begins, while it goes on, afterwards, and as a report. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type TrainEvent, type TrainOptions, train } from '../src/train/index.ts'
import { tinyRecipe, writeRooms } from '../src/train/testing.ts'
import { serveRun, type WatchServer, writeReport } from '../src/watch/index.ts'
import { appendLog, startEvent, stepEvent, validationEvent } from '../src/watch/testing.ts'
import { findChromium } from './chromium.ts'
import { type BrowserPage, openPage } from './chromium-page.ts'
import { temporaryFolder } from './temporary-folder.ts'

vi.setConfig({ testTimeout: 300_000 })

const browser = findChromium()

/** Points of every line of every chart, by the chart's heading. */
const POINTS = `Object.fromEntries([...document.querySelectorAll('.chart')].map((chart) =>
  [chart.querySelector('h3').textContent, [...chart.querySelectorAll('path[data-label]')].map((path) => path.getAttribute('d').split('L').length)]))`
/** Pictures that are shown, and loaded. */
const PICTURES = `[...document.images].filter(({ complete, naturalWidth }) => complete && naturalWidth > 0).length`
/** How far the page is wider than the window. */
const TOO_WIDE = 'document.documentElement.scrollWidth - innerWidth'

describe.skipIf(!browser)('the page of a run in Chromium', () => {
  let data = ''
  let run = ''
  let server: WatchServer
  let page: BrowserPage
  beforeAll(async () => {
    data = await temporaryFolder()
    await writeRooms(join(data, 'rooms'), { count: 4, width: 64, height: 32 })
  })
  beforeEach(async () => {
    run = join(await temporaryFolder(), 'run')
    server = await serveRun(run, { port: 0 })
    page = await openPage(browser ?? '')
  })
  afterEach(async () => {
    await page.close()
    await server.dispose()
  })
  const points = async () => (await page.evaluate(POINTS)) as Record<string, number[]>

  const split = { kind: 'tail', fraction: 0.5, gap: 0 } as const
  const recipe = tinyRecipe({
    data: [{ kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1, split }],
    validateEvery: 2,
  })

  it('fills while the run goes on', async () => {
    await page.goto(server.url)
    expect(await points()).toEqual({})
    // A run without an end that anybody waits for: it goes on until the page has shown it, whatever the speed of this machine.
    const endless = { ...recipe, stages: [{ ...recipe.stages[0], updates: 1_000_000 }], validateEvery: 1_000_000 }
    const stop = new AbortController()
    const running = train(endless, { data, out: run, threads: 1, signal: stop.signal })
    try {
      await page.until(`document.querySelector('.state').textContent === 'running'`)
      await page.until(`document.querySelector('.chart path[data-label]')?.getAttribute('d').includes('L')`)
      expect((await points()).Loss[0]).toBeGreaterThan(1)
    } finally {
      stop.abort()
      await running
    }
    await page.until(`document.querySelector('.state').textContent.startsWith('stopped')`)
    expect(page.errors).toEqual([])
  })

  it('shows every figure of a run that was stopped and resumed, and stays, without an error or a request elsewhere', async () => {
    await page.goto(server.url)
    const session = (options: Partial<TrainOptions>) =>
      train(recipe, { data, out: run, threads: 1, pictures: 2, ...options })
    const stop = new AbortController()
    const onEvent = ({ event, step }: TrainEvent) => {
      if (event === 'step' && step === 3) stop.abort()
    }
    await session({ signal: stop.signal, onEvent })
    await page.until(`document.querySelector('.state').textContent.startsWith('stopped')`)
    expect(await points()).toMatchObject({ Loss: [4], abs_rel: [2] })
    await session({ resume: true })
    await page.until(`document.querySelector('.state').textContent === 'done'`)
    const curves = await points()
    expect(curves).toMatchObject({
      Loss: [6],
      'Terms of the loss': [6, 6],
      'Learning rate': [6],
      abs_rel: [3],
      'abs_rel by step': [3, 3],
      'Saturation of h, %': [3, 3],
    })
    for (const title of ['Gradient by part', 'Weights by part']) {
      expect(curves[title].length).toBeGreaterThan(2)
      expect(new Set(curves[title]), title).toEqual(new Set([3]))
    }
    await page.evaluate(`document.getElementById('pictures').scrollIntoView()`) // what is out of sight is not loaded
    await page.until(`${PICTURES} >= 8`) // of two images: photo, truth, two steps
    expect(await page.evaluate('document.images.length')).toBe(3 * 8)
    await page.goto(server.url) // as one that comes later
    expect(await points()).toEqual(curves)
    expect(page.errors).toEqual([])
    expect(page.requests.filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual([])

    const report = pathToFileURL(await writeReport(run)).href
    const before = page.requests.length
    await page.goto(report)
    expect(await points()).toEqual(curves)
    await page.evaluate(`document.getElementById('pictures').scrollIntoView()`)
    await page.until(`${PICTURES} === 8`)
    expect(page.requests.slice(before).filter((url) => url !== report && !url.startsWith('data:'))).toEqual([])
    expect(page.errors).toEqual([])
  })

  it('reads a chart under the pointer, and is no wider than a phone, light and dark', async () => {
    const steps = Array.from({ length: 50 }, (_, i) => stepEvent(i))
    await appendLog(run, [startEvent(0), ...steps, validationEvent(25), validationEvent(50)])
    for (const [width, dark] of [
      [1400, false],
      [360, true],
    ] as const) {
      await page.show({ width, dark })
      await page.goto(server.url)
      expect(await page.evaluate(TOO_WIDE), `${width}`).toBeLessThanOrEqual(0)
      const [x, y] = (await page.evaluate(`(() => {
        const chart = document.querySelector('.chart svg')
        chart.scrollIntoView({ block: 'center' })
        const { left, top, width, height } = chart.getBoundingClientRect()
        return [left + width / 2, top + height / 2]
      })()`)) as number[]
      await page.point(x, y)
      await page.until(`document.querySelector('.reading')`)
      const reading = String(await page.evaluate(`document.querySelector('.reading').innerText`))
      const [, update, loss] = /update (\d+)\s+loss ([\d.]+)/.exec(reading) ?? []
      expect(Number(update)).toBeGreaterThan(20)
      expect(Number(update)).toBeLessThan(35)
      expect(Number(loss)).toBeCloseTo(10 - (Number(update) - 1) / 10, 1) // the loss of the test's log
      const background = await page.evaluate('getComputedStyle(document.body).backgroundColor')
      expect(background).toBe(dark ? 'rgb(21, 23, 26)' : 'rgb(255, 255, 255)')
    }
    expect(page.errors).toEqual([])
  })

  it('shows what a hostile name says as text', async () => {
    const [set] = validationEvent(5).sets
    const name = '<img src=x onerror=alert(1)>'
    await appendLog(run, [
      { ...startEvent(0), notes: [name] },
      stepEvent(0),
      { ...validationEvent(5), sets: [{ ...set, set: name }] },
    ])
    await page.goto(server.url)
    expect(await page.evaluate('document.images.length')).toBe(0)
    expect(await page.evaluate('document.body.innerText')).toContain(name)
    expect(page.errors).toEqual([])
    await writeFile(join(run, 'copy.html'), await readFile(await writeReport(run)))
    await page.goto(pathToFileURL(join(run, 'copy.html')).href)
    expect(await page.evaluate('document.images.length')).toBe(0)
    expect(page.errors).toEqual([])
  })
})
