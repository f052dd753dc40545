/**
 * The pictures of the README: docs/example.jpg, the example room with its predicted and its true depth, and docs/steps.jpg, a
 * procedural room that training never drew, with the five steps and its true depth. `npx tsx scripts/figures.ts [MODEL] [SEED OF THE ROOM]`
 */
import sharp from 'sharp'
import { folderDataset } from '../src/data/index.ts'
import { type Cell, colourise, contactSheet, type DepthImage, type RgbImage, withLegend } from '../src/image/index.ts'
import { loadModel } from '../src/node/index.ts'
import { renderRoom } from '../src/rooms/index.ts'
import { writeFileAtomically } from '../src/support/files.ts'

const SCALE = { near: 0.7, far: 7 }

const [name = 'dar-nano', seed = '90307'] = process.argv.slice(2)
await using model = await loadModel(name)

const example = await (await folderDataset('examples/room')).get(0)
const truth = example.depth
if (!truth) throw new Error('examples/room has no depth')
const depth = await model.predict(example.image, { focal: example.intrinsics?.fx })
const cells: Cell[] = [
  { image: example.image, caption: 'rendered room' },
  { image: colourise(depth, SCALE), caption: name },
  { image: colourise(truth, SCALE), caption: 'true depth' },
]
await save('docs/example.jpg', withLegend(contactSheet(cells, { columns: 3, cellWidth: 400 }), SCALE))

const room = renderRoom({ seed: Number(seed), width: 400, height: 300 })
const seen = await model.predict(room.image, { steps: true, focal: room.intrinsics.fx })
const map = (data: Float32Array, caption: string): Cell => ({
  image: colourise({ ...room.image, data } satisfies DepthImage, SCALE),
  caption,
})
const steps: Cell[] = [
  { image: room.image, caption: 'photo' },
  ...seen.steps.map((step, k) => map(step.depth, `step ${k + 1}`)),
  map(room.depth.data, 'true depth'),
]
await save('docs/steps.jpg', withLegend(contactSheet(steps, { columns: 4, cellWidth: 320 }), SCALE))

async function save(path: string, { data, width, height }: RgbImage): Promise<void> {
  const jpeg = sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality: 88 })
  await writeFileAtomically(path, await jpeg.toBuffer())
  console.log(`${path}: ${width}×${height}`)
}
