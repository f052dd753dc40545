/**
 * The pictures of the README: docs/example.jpg, the example photo beside its depth, and docs/steps.jpg, a procedural room that
 * training never drew with its true depth and the five steps. `npx tsx scripts/figures.ts [MODEL] [SEED OF THE ROOM]`
 */
import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import {
  type Cell,
  colourise,
  contactSheet,
  DEFAULT_SCALE,
  type DepthImage,
  type RgbImage,
  withLegend,
} from '../src/image/index.ts'
import { decodeImage, loadModel } from '../src/node/index.ts'
import { renderRoom } from '../src/rooms/index.ts'
import { writeFileAtomically } from '../src/support/files.ts'

const PHOTO = 'examples/coffee.jpg'
const ROOM = { near: 0.7, far: 7 }

const [name = 'dar-nano', seed = '90307'] = process.argv.slice(2)
await using model = await loadModel(name)

const photo = await decodeImage(await readFile(PHOTO), { name: PHOTO })
const depth = await model.predict(photo)
const pair = [photo, colourise(depth, DEFAULT_SCALE)]
await save(
  'docs/example.jpg',
  withLegend(
    contactSheet(
      pair.map((image) => ({ image })),
      { columns: 2 },
    ),
    DEFAULT_SCALE,
  ),
)

const room = renderRoom({ seed: Number(seed), width: 400, height: 300 })
const seen = await model.predict(room.image, { steps: true, focal: room.intrinsics.fx })
const map = (data: Float32Array, caption: string): Cell => ({
  image: colourise({ ...room.image, data } satisfies DepthImage, ROOM),
  caption,
})
const cells: Cell[] = [
  { image: room.image, caption: 'photo' },
  ...seen.steps.map((step, k) => map(step.depth, `step ${k + 1}`)),
  map(room.depth.data, 'true depth'),
]
await save('docs/steps.jpg', withLegend(contactSheet(cells, { columns: 4, cellWidth: 320 }), ROOM))

async function save(path: string, { data, width, height }: RgbImage): Promise<void> {
  const jpeg = sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality: 88 })
  await writeFileAtomically(path, await jpeg.toBuffer())
  console.log(`${path}: ${width}×${height}`)
}
