/**
 * What tiles add: the tables of docs/high-resolution.md.
 *
 *     npx tsx scripts/tiles.ts [--model NAME|FILE] [--rooms 6] [--seed N] [--photo FILE] [--across 1,2,3,4] [--overlap 0.5] [--threads 1]
 *
 * Rooms are those of reported figures (`UNSEEN_ROOMS`), rendered at 1280×960 with exact depth. For the whole picture and for tiles of several sizes it prints
 * boundary_f1, abs_rel and d1 (no alignment, 0.1 to 10 m), with edges as the network leaves them and moved to the photo's. Then, for the default tiles, the steps of
 * ln d between neighbouring pixels across borders of tiles, beside those of the columns 4 to 24 pixels from a border,
 * which show the same things.
 */
import { parseArgs } from 'node:util'
import { roomsDataset, UNSEEN_ROOMS } from '../src/data/rooms-dataset.ts'
import type { Frame } from '../src/data/types.ts'
import { judge } from '../src/eval/judge.ts'
import { namedProtocol } from '../src/eval/presets.ts'
import type { RgbImage } from '../src/image/types.ts'
import { decodeImage } from '../src/node/decode.ts'
import { loadModel } from '../src/node/load-model.ts'
import { predictTiled, type TiledMap, tokenOf } from '../src/predict/predict-tiled.ts'
import { layoutTiles } from '../src/predict/tiles.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'dar-nano' },
    rooms: { type: 'string', default: '6' },
    seed: { type: 'string', default: String(UNSEEN_ROOMS.seed) },
    photo: { type: 'string' },
    across: { type: 'string', default: '1,2,3,4' },
    overlap: { type: 'string', default: '0.5' },
    threads: { type: 'string', default: '1' },
  },
})
const ACROSS = values.across.split(',').map(Number)
const EDGES = ['network', 'photo'] as const
const PROTOCOLS = [namedProtocol('indoor')]
const DEFAULT = 3
const OVERLAP = Number(values.overlap)

await using model = await loadModel(values.model, { threads: Number(values.threads) })

/** Figures by variant, one per room. */
const figures = new Map<string, { readonly f1: number; readonly absRel: number; readonly d1: number }[]>()
const steps: Record<string, readonly string[]> = {}

const dataset = roomsDataset({ ...UNSEEN_ROOMS, seed: Number(values.seed), width: 1280, height: 960 })
for (let i = 0; i < Number(values.rooms); i++) {
  const frame = await dataset.get(i)
  for (const across of ACROSS)
    for (const edges of EDGES) {
      const map = await tiled(frame.image, across, edges, focalOf(frame))
      const { width, height, data } = map
      const [judged] = judge(frame, { width, height, data }, { protocols: PROTOCOLS })
      if (!judged) throw new Error(`room ${i} has no depth`)
      const { boundary_f1, abs_rel, d1 } = judged.metrics
      const key = `| ${across === 1 ? 'whole picture' : `tiles, ${across} across`} | ${edges} |`
      figures.set(key, [...(figures.get(key) ?? []), { f1: boundary_f1, absRel: abs_rel, d1 }])
      if (across === DEFAULT) steps[`| room ${i} | ${edges} |`] = seams(map)
    }
  process.stderr.write(`room ${i + 1} of ${values.rooms}\n`)
}
if (values.photo) {
  const photo = await decodeImage(values.photo)
  for (const edges of EDGES) steps[`| photo | ${edges} |`] = seams(await tiled(photo, DEFAULT, edges))
}

console.log(`${model.name}, ${values.rooms} rooms of seed ${values.seed} at 1280×960\n`)
console.log('| | edges | boundary_f1 | abs_rel | d1 |\n| --- | --- | --- | --- | --- |')
for (const [key, rooms] of figures) {
  const mean = (pick: (one: (typeof rooms)[number]) => number) =>
    rooms.reduce((sum, one) => sum + pick(one), 0) / rooms.length
  console.log(
    `${key} ${mean(({ f1 }) => f1).toFixed(4)} | ${mean(({ absRel }) => absRel).toFixed(4)} | ${mean(({ d1 }) => d1).toFixed(3)} |`,
  )
}
console.log(
  '\n| | edges | mean step at borders | beside | 99.9 % at borders | beside |\n| --- | --- | --- | --- | --- | --- |',
)
for (const [key, cells] of Object.entries(steps)) console.log(`${key} ${cells.join(' | ')} |`)

function tiled(image: RgbImage, across: number, edges: (typeof EDGES)[number], focal?: number): Promise<TiledMap> {
  return predictTiled(model, image, {
    tiles: { across, overlap: OVERLAP, edges },
    ...(focal !== undefined && { focal }),
  })
}

function focalOf({ intrinsics }: Frame): number | undefined {
  return intrinsics ? Math.sqrt(intrinsics.fx * intrinsics.fy) : undefined
}

/** Steps of ln d along x: mean and 99.9 %, at borders of tiles and beside them. */
function seams({ width, height, depth, networkSize }: TiledMap): string[] {
  const across = Math.min(DEFAULT, width / networkSize.width, height / networkSize.height)
  const { x } = layoutTiles(
    { width, height },
    { shape: networkSize, across, overlap: OVERLAP, token: tokenOf(networkSize) },
  )
  const borders = new Set(
    x.starts.flatMap((start) => [start, start + x.length]).filter((border) => border > 0 && border < width),
  )
  const at: number[] = []
  const beside: number[] = []
  for (let column = 1; column < width; column++) {
    const distance = Math.min(...[...borders].map((border) => Math.abs(border - column)))
    const list = distance === 0 ? at : distance >= 4 && distance <= 24 ? beside : null
    if (list === null) continue
    for (let y = 0; y < height; y++)
      list.push(Math.abs(Math.log(depth[y * width + column] / depth[y * width + column - 1])))
  }
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length
  const high = (list: readonly number[]) => Float64Array.from(list).sort()[Math.floor(0.999 * list.length)]
  return [mean(at), mean(beside), high(at), high(beside)].map((value) => value.toFixed(5))
}
