/**
 * Writes a contact sheet of `rooms`: a grid of scenes, each as RGB beside its depth in colour (fixed range 0.3 to 10 m, so that
 * scenes can be compared; black: not known). With --furniture it shows furnished homes.
 *
 *     npx tsx scripts/contact-sheet.ts [FILE] [FIRST SEED] [--furniture DIR] [--rows 4] [--columns 4] [--width 200]
 *
 * The default is docs/plain-rooms.jpg, or docs/rooms.jpg with furniture, from seed 1. Width is that of one picture, pixels.
 */
import { parseArgs } from 'node:util'
import { interpolateTurbo } from 'd3-scale-chromatic'
import sharp, { type OverlayOptions } from 'sharp'
import { createRoomRenderer } from '../src/rooms/index.ts'
import { writeFileAtomically } from '../src/support/files.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    furniture: { type: 'string' },
    rows: { type: 'string', default: '4' },
    columns: { type: 'string', default: '4' },
    width: { type: 'string', default: '200' },
  },
})
const COLUMNS = Number(values.columns)
const ROWS = Number(values.rows)
const WIDTH = Number(values.width)
const HEIGHT = (WIDTH * 3) / 4
const NEAR = 0.3
const FAR = 10
const GAP = 4

/** Turbo over the logarithm of depth, near = red. */
const PALETTE = Array.from({ length: 256 }, (_, i) => (interpolateTurbo(1 - i / 255).match(/\d+/g) ?? []).map(Number))

const file = positionals[0] ?? (values.furniture === undefined ? 'docs/plain-rooms.jpg' : 'docs/rooms.jpg')
const first = Number(positionals[1] ?? 1)
const render = createRoomRenderer()
const tiles: OverlayOptions[] = []
for (let i = 0; i < COLUMNS * ROWS; i++) {
  const { image, depth } = await render({ seed: first + i, furniture: values.furniture })
  const coloured = new Uint8Array(image.data.length)
  depth.data.forEach((d, k) => {
    if (d === 0) return // not known: black
    const level = Math.round((255 * Math.log(d / NEAR)) / Math.log(FAR / NEAR))
    coloured.set(PALETTE[Math.min(Math.max(level, 0), 255)], 3 * k)
  })
  const raw = { width: image.width, height: image.height, channels: 3 as const }
  const left = GAP + (i % COLUMNS) * (2 * WIDTH + 2 * GAP)
  const top = GAP + Math.floor(i / COLUMNS) * (HEIGHT + GAP)
  for (const [k, data] of [image.data, coloured].entries()) {
    tiles.push({
      input: await sharp(data, { raw }).resize(WIDTH, HEIGHT).png().toBuffer(),
      left: left + k * WIDTH,
      top,
    })
  }
}
const width = COLUMNS * (2 * WIDTH + 2 * GAP)
const height = ROWS * (HEIGHT + GAP) + GAP
const sheet = sharp({ create: { width, height, channels: 3, background: 'white' } }).composite(tiles)
await writeFileAtomically(
  file,
  file.endsWith('.png') ? await sheet.png().toBuffer() : await sheet.jpeg({ quality: 85 }).toBuffer(),
)
console.log(
  `${file}: seeds ${first} to ${first + COLUMNS * ROWS - 1}, depth ${NEAR} (red) to ${FAR} m (blue), logarithmic`,
)
