/**
 * The two pictures of the browser app: docs/web-depth.jpg and docs/web-points.jpg, the example under a line and in space, as the page shows
 * it. Needs Chromium; the page is built here. `npx tsx scripts/web-pictures.ts`
 */
import sharp from 'sharp'
import { writeFileAtomically } from '../src/support/files.ts'
import { findChromium } from '../test/chromium.ts'
import { removeFolders, temporaryFolder } from '../test/temporary-folder.ts'
import { App, buildPage, launch, serve } from '../test/web-page.ts'

/** Of the window, and of the pictures. */
const [WINDOW, WIDTH] = [1280, 1000]
const browserPath = findChromium()
if (!browserPath) throw new Error('no Chromium was found; install it (Debian: chromium)')
const folder = await temporaryFolder()
await buildPage(folder)
const host = await serve(folder)
const browser = await launch(browserPath)
try {
  const page = await browser.newPage({ viewport: { width: WINDOW, height: 780 } })
  const app = new App(page)
  await page.goto(`${host.url}?engine=wasm`)
  await app.finished('room.jpg by dar-nano')
  await save('docs/web-depth.jpg', await page.screenshot({ fullPage: true }))
  await app.show('cloud')
  await app.until(() => Number(document.querySelector<HTMLElement>('#cloud-canvas')?.dataset.points) > 10_000)
  // A turn to the side shows that it is space.
  await page.locator('#cloud-canvas').press('ArrowRight')
  await page.waitForTimeout(2000)
  await save('docs/web-points.jpg', await page.screenshot())
} finally {
  await browser.close()
  await host.close()
  await removeFolders()
}

async function save(path: string, png: Buffer): Promise<void> {
  await writeFileAtomically(path, await sharp(png).resize(WIDTH).jpeg({ quality: 88 }).toBuffer())
  console.log(path)
}
