/**
 * How long a visitor waits for the first map: the built page over loopback, in a browser that has never seen it, with the marks that the
 * page sets on its way. Milliseconds from the navigation on.
 *
 *     npx tsx web/first-map.ts [--runs 5] [--engine wasm]
 *
 * `script`: the page's code runs. `photo`: the example is decoded. `model`: the weights are there. `engine`: ONNX Runtime has run its
 * first graph. `first-map`: the map of step 1 is shown. `last-map`: that of the last step. Needs Chromium ($DAR_CHROMIUM).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findChromium } from '../test/chromium.ts'
import { buildPage, launch, serve, WAIT } from '../test/web-page.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, engine: { type: 'string', default: 'auto' } },
})
const path = findChromium()
if (!path) throw new Error('no Chromium here; set DAR_CHROMIUM')
const folder = await mkdtemp(join(tmpdir(), 'dar-web-'))
await buildPage(folder)

/** Milliseconds by mark. */
async function visit(executable: string, url: string): Promise<Readonly<Record<string, number>>> {
  const browser = await launch(executable)
  try {
    const page = await browser.newPage()
    await page.goto(`${url}?engine=${values.engine}`)
    await page.waitForFunction(() => performance.getEntriesByName('last-map').length > 0, null, { timeout: WAIT })
    return await page.evaluate(() => {
      const marks = performance.getEntriesByType('mark').map(({ name, startTime }) => [name, startTime] as const)
      return Object.fromEntries(marks.reverse()) // of several the first
    })
  } finally {
    await browser.close()
  }
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]

for (const isolated of [false, true]) {
  const host = await serve(folder, { isolated })
  const runs: Readonly<Record<string, number>>[] = []
  for (let i = 0; i < Number(values.runs); i++) runs.push(await visit(path, host.url))
  await host.close()
  console.log(isolated ? 'isolated: wasm on several threads' : 'a plain host: wasm on one thread')
  const names = Object.keys(runs[0]).sort((a, b) => runs[0][a] - runs[0][b])
  for (const name of names) {
    const times = runs.map((run) => run[name])
    const spread = `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`
    console.log(`  ${name.padEnd(10)} ${median(times).toFixed(0).padStart(6)} ms   (${spread})`)
  }
}
await rm(folder, { recursive: true })
