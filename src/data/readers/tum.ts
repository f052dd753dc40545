/**
 * A TUM RGB-D sequence: `rgb.txt` and `depth.txt`, lines of `timestamp file`, two clocks. Frames are the pairs of nearest
 * times, at most 0.02 s apart, each image in one pair (the authors' associate.py). Depth is 16-bit, ÷ 5000, 0 = none.
 *
 * The camera is that of the Kinect the folder's name tells (`freiburg1`, …), as published; for another name the default of
 * the driver, which the authors recommend.
 */
import { join } from 'node:path'
import type { Intrinsics } from '../../image/types.ts'
import { scaleIntrinsics } from '../../image/view.ts'
import { decodeDepthPng, decodeImage } from '../../node/decode.ts'
import { DarError } from '../../support/errors.ts'
import { namedDataset } from '../named.ts'
import type { NamedDataset } from '../types.ts'
import { baseName, firstFile, insideRoot, readText } from './files.ts'
import type { ReaderOptions } from './options.ts'

/** At 640×480. */
const CAMERAS: readonly (readonly [name: RegExp, Intrinsics])[] = [
  [/freiburg1/, { fx: 517.3, fy: 516.5, cx: 318.6, cy: 255.3 }],
  [/freiburg2/, { fx: 520.9, fy: 521.0, cx: 325.1, cy: 249.7 }],
  [/freiburg3/, { fx: 535.4, fy: 539.2, cx: 320.1, cy: 247.6 }],
  [/(?:)/, { fx: 525, fy: 525, cx: 319.5, cy: 239.5 }],
]

/** Seconds. */
const MAX_GAP = 0.02
/** The most depth maps within the gap of a photo, on average. 16 within ±0.02 s are 400 a second. */
const MAX_RIVALS = 16
const MAX_CANDIDATES = 4e6

interface Stamped {
  readonly time: number
  readonly path: string
  readonly where: string
}

/** Throws a DarError when a list is missing or malformed, a path leaves `root`, or no two times are near enough. */
export async function tumDataset(root: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { name = baseName(root), depthScale = 5000 } = options
  const [photos, depths] = await Promise.all(['rgb.txt', 'depth.txt'].map((file) => readStamped(root, file)))
  const pairs = associate(
    photos.map(({ time }) => time),
    depths.map(({ time }) => time),
    MAX_GAP,
  )
  if (pairs.length === 0)
    throw new DarError(
      `no two times of rgb.txt and depth.txt in ${root} are within ${MAX_GAP} s; are they of one sequence?`,
    )
  const unpaired = photos.length - pairs.length
  const notes = unpaired > 0 ? [`${unpaired} of ${photos.length} photos have no depth within ${MAX_GAP} s`] : []
  const camera = CAMERAS.find(([pattern]) => pattern.test(baseName(root)))?.[1] ?? null
  const read = async (_: string, i: number) => {
    const [photo, depth] = [photos[pairs[i][0]], depths[pairs[i][1]]]
    const [image, map] = await Promise.all([
      decodeImage(await placeOf(root, photo)),
      decodeDepthPng(await placeOf(root, depth), { unitsPerMetre: depthScale }),
    ])
    const full = image.width * 3 === image.height * 4 // a cropped image has another camera, unknown here
    const intrinsics = full ? camera && scaleIntrinsics(camera, image.width / 640, image.height / 480) : null
    return { image, depth: map, intrinsics }
  }
  const names = pairs.map(([photo]) => photos[photo].path.replace(/^.*\//, '').replace(/\.[^.]+$/, ''))
  return namedDataset(name, names, read, { notes })
}

async function placeOf(root: string, { path, where }: Stamped): Promise<string> {
  const place = insideRoot(root, path, where)
  return (await firstFile([place])) ?? place
}

async function readStamped(root: string, file: string): Promise<Stamped[]> {
  const path = join(root, file)
  const lines = (await readText(path)).split('\n')
  const stamped = lines.flatMap((line, i): Stamped[] => {
    const where = `${path}, line ${i + 1}`
    const [time, name] = line.trim().split(/[\s,]+/)
    if (time === '' || time.startsWith('#')) return []
    if (name === undefined || !Number.isFinite(Number(time)))
      throw new DarError(`${where}: ${JSON.stringify(line.trim())} is not "timestamp file"; correct the line`)
    insideRoot(root, name, where)
    return [{ time: Number(time), path: name, where }]
  })
  if (stamped.length === 0) throw new DarError(`${path} lists no file; copy it again`)
  return stamped
}

/**
 * Pairs (i, j) with |a[i] − b[j]| < `gap`, the nearest first, each i and j once, sorted by a. Times may be in any order. Throws a
 * DarError when they lie so close that no camera took them: n equal times would make n² pairs.
 */
export function associate(a: readonly number[], b: readonly number[], gap: number): [number, number][] {
  const order = b.map((_, j) => j).sort((i, j) => b[i] - b[j])
  const candidates: { i: number; j: number; apart: number }[] = []
  a.forEach((time, i) => {
    let [low, high] = [0, order.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (b[order[middle]] <= time - gap) low = middle + 1
      else high = middle
    }
    for (let at = low; at < order.length && b[order[at]] < time + gap; at++)
      candidates.push({ i, j: order[at], apart: Math.abs(b[order[at]] - time) })
    if (candidates.length > Math.min(MAX_RIVALS * (a.length + b.length), MAX_CANDIDATES))
      throw new DarError(
        `too many times lie within ${gap} s of each other (near ${time}); are they in seconds, and all different?`,
      )
  })
  candidates.sort((p, q) => p.apart - q.apart)
  const [usedA, usedB] = [new Set<number>(), new Set<number>()]
  const pairs: [number, number][] = []
  for (const { i, j } of candidates) {
    if (usedA.has(i) || usedB.has(j)) continue
    usedA.add(i)
    usedB.add(j)
    pairs.push([i, j])
  }
  return pairs.sort((p, q) => a[p[0]] - a[q[0]])
}
