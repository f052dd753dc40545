/**
 * How far things are in pictures: for each set a row with the spread over its pictures of the median depth, of the depth that 95 % of
 * the pixels lie within, of the horizontal field of view, and of the camera's height and pitch over the floor in pictures that show one.
 * It shows whether rooms are framed like real photos.
 *
 *     npx tsx scripts/depth-spread.ts [--rooms 300] [--furniture DIR] [--seed 1] [--far 10] [FOLDER ...]
 *
 * Each FOLDER is a data set in the folder layout; of sets with a hold-out (real-splits.ts) only the training side is read, so that rooms are
 * not drawn after held-out frames. Every eighth pixel of every row is counted. Pixels beyond --far metres count as unmeasured, as in training.
 */
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { folderDataset, roomsDataset, SPLITS, splitNames, subsetOf } from '../src/data/index.ts'
import type { Dataset } from '../src/data/types.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../src/image/types.ts'
import { scaleIntrinsics } from '../src/image/view.ts'
import { findFloor } from './spread/floor.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rooms: { type: 'string', default: '300' },
    furniture: { type: 'string' },
    seed: { type: 'string', default: '1' },
    far: { type: 'string', default: '10' },
  },
})
const far = Number(values.far)

const sets: [string, Dataset][] = []
if (Number(values.rooms) > 0) {
  const size = { width: 80, height: 60 }
  const rooms = { seed: Number(values.seed), count: Number(values.rooms), ...size, furniture: values.furniture }
  sets.push(['rooms', roomsDataset(rooms)])
}
for (const folder of positionals) {
  const name = basename(folder)
  const set = await folderDataset(folder)
  sets.push([name, name in SPLITS ? subsetOf(set, splitNames(set.names, SPLITS[name]).train) : set])
}

const SHARES = [0.1, 0.25, 0.5, 0.75, 0.9]
console.log(
  '| set | pictures | median, m (10 25 50 75 90 %) | 95th percentile, m | over 5 m | field of view, degrees | show a floor | camera above it, m | pitch, degrees |',
)
console.log(`|${' --- |'.repeat(9)}`)
for (const [name, set] of sets) {
  const [medians, reaches, views, heights, pitches]: number[][] = [[], [], [], [], []]
  for await (const { image, depth, intrinsics } of set) {
    if (depth) {
      const step = depth.width > 200 ? 8 : 1
      const known = depth.data.filter((d, i) => i % step === 0 && d > 0 && d <= far).sort()
      if (known.length === 0) continue
      medians.push(at(known, 0.5))
      reaches.push(at(known, 0.95))
      const floor = intrinsics && findFloor(depth, scaledTo(depth, image, intrinsics), far)
      if (floor) {
        heights.push(floor.height)
        pitches.push(floor.pitch)
      }
    }
    if (intrinsics) views.push((360 / Math.PI) * Math.atan(image.width / 2 / intrinsics.fx))
  }
  const over = reaches.filter((d) => d > 5).length / reaches.length
  const cells = [
    name,
    medians.length,
    spread(medians),
    spread(reaches),
    percent(over),
    spread(views),
    percent(heights.length / medians.length),
    spread(heights),
    spread(pitches),
  ]
  console.log(`| ${cells.join(' | ')} |`)
}

function scaledTo(depth: DepthImage, image: RgbImage, intrinsics: Intrinsics): Intrinsics {
  return scaleIntrinsics(intrinsics, depth.width / image.width, depth.height / image.height)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}

function at(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))]
}

function spread(values: number[]): string {
  if (values.length === 0) return 'not known'
  const sorted = values.toSorted((a, b) => a - b)
  return SHARES.map((share) => at(sorted, share).toFixed(Math.abs(sorted[0]) > 5 ? 0 : 2)).join(' ')
}
