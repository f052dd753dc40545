/** A photo of 12 megapixels in tiles, in a process of its own: the memory that it takes at its peak. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

const CHILD = fileURLToPath(new URL('../bench/tiles-child.ts', import.meta.url))

it('predicts 4000×3000 pixels within 2 GB', { timeout: 600_000 }, async () => {
  const photo = join(await temporaryFolder(), 'large.jpg')
  const tile = await sharp({
    create: {
      width: 500,
      height: 375,
      channels: 3,
      background: 'teal',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  })
    .png()
    .toBuffer()
  await sharp({ create: { width: 4000, height: 3000, channels: 3, background: 'white' } })
    .composite([{ input: tile, tile: true, blend: 'multiply' }])
    .jpeg()
    .toFile(photo)
  const options = JSON.stringify({ photo, model: 'dar-nano', threads: 1 })
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD, options])
  const { mebibytes, maps } = JSON.parse(stdout) as { mebibytes: number; maps: number }
  expect(maps).toBe(2 * 4000 * 3000)
  expect(mebibytes).toBeLessThan(2048)
  expect(mebibytes).toBeGreaterThan(100) // of this order, or what was measured is something else
})
