/**
 * Which lens a data set was taken with, by its depth alone: the focal length that makes the planes of its rooms stand at right angles.
 *
 *     npx tsx scripts/lens.ts [--by N] FOLDER …
 *
 * Each FOLDER is a data set in the folder layout. A row has the lens in 35 mm equivalents that pairs of planes ask for, weighted by their size
 * (quartiles), and the one that the set states. `--by N`: a row for each group of frames whose names begin with the same N letters.
 * Walls are at right angles, screens and the backs of chairs are not: believe it where many rooms say the same, and not on one desk.
 */
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { type Frame, folderDataset, Random } from '../src/data/index.ts'
import { focal35From, relativeFocal } from '../src/image/camera.ts'
import { DarError } from '../src/support/errors.ts'
import { row } from './designs/trial.ts'
import { findPlanes, focalOfRightAngle, type Point } from './lens/planes.ts'

/** Points across a picture. */
const ACROSS = 128
/** Metres. */
const [NEAREST, FARTHEST] = [0.2, 8]

interface Vote {
  readonly millimetres: number
  readonly weight: number
}

function pointsOf({ image, depth, intrinsics }: Frame): Point[] {
  if (!depth) return []
  const { width, height, data } = depth
  const step = Math.max(1, Math.round(width / ACROSS))
  const diagonal = Math.hypot(width, height)
  const cx = intrinsics ? (intrinsics.cx * width) / image.width : width / 2
  const cy = intrinsics ? (intrinsics.cy * height) / image.height : height / 2
  const points: Point[] = []
  for (let y = 0; y < height; y += step)
    for (let x = 0; x < width; x += step) {
      const metres = data[y * width + x]
      if (metres > NEAREST && metres < FARTHEST)
        points.push({ x: (x + 0.5 - cx) / diagonal, y: (y + 0.5 - cy) / diagonal, w: 1 / metres })
    }
  return points
}

function votesOf(frame: Frame, random: Random): Vote[] {
  const planes = findPlanes(pointsOf(frame), random)
  return planes.flatMap((p, i) =>
    planes.slice(0, i).flatMap((q) => {
      const focal = focalOfRightAngle(p, q)
      return focal === null ? [] : [{ millimetres: focal35From(focal), weight: Math.min(p.share, q.share) }]
    }),
  )
}

function quantile(sorted: readonly Vote[], at: number): string {
  const all = sorted.reduce((sum, { weight }) => sum + weight, 0)
  let sum = 0
  for (const { millimetres, weight } of sorted) {
    sum += weight
    if (sum >= at * all) return millimetres.toFixed(1)
  }
  return '-'
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { by: { type: 'string', default: '0' } } })
const letters = Number(values.by)
if (!Number.isInteger(letters) || letters < 0)
  throw new DarError(`--by is ${values.by}; give a whole number of letters, at least 0`)
if (positionals.length === 0) throw new DarError('name a data set in the folder layout, or several')
row(['frames of', 'frames', 'pairs', 'quartile', 'median', 'quartile', 'stated'])
for (const folder of positionals) {
  const set = await folderDataset(folder)
  const groups = new Map<string, { frames: number; votes: Vote[]; stated: number | null }>()
  for (let i = 0; i < set.length; i++) {
    const frame = await set.get(i)
    const { image, intrinsics } = frame
    const name = [basename(folder), set.names[i].slice(0, letters)].filter(Boolean).join(' ')
    const group = groups.get(name) ?? { frames: 0, votes: [], stated: null }
    groups.set(name, group)
    group.frames++
    group.votes.push(...votesOf(frame, new Random(i)))
    if (intrinsics) group.stated = focal35From(relativeFocal(intrinsics, image.width, image.height))
  }
  for (const [name, { frames, votes, stated }] of groups) {
    const sorted = votes.sort((a, b) => a.millimetres - b.millimetres)
    const quartiles = [0.25, 0.5, 0.75].map((at) => quantile(sorted, at))
    row([name, frames, votes.length, ...quartiles, stated?.toFixed(1) ?? 'not known'])
  }
}
