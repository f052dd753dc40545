/**
 * A map of a large photo, in three passes: the whole photo as always (the global map), then overlapping tiles of it, aligned to the global
 * map, blended, and given its means (tiles.ts), then edges moved to the photo's own (snap-edges.ts). What each of them adds is measured in
 * docs/high-resolution.md.
 *
 * A tile is a crop. The focal length in pixels stays what it was, so in diagonals of the tile the lens is longer, and `predictMaps` treats it
 * so: it is given the photo's focal length in pixels. Its principal point is not the tile's centre. That tilts what the network sees a
 * little, but z-depth is along the photo's axis all the same, and alignment takes up the rest.
 *
 * Memory, beside the photo: the sum of logarithms at the photo's size, which becomes the depth in place, and sigma; the rest is of the size
 * of a tile or of a band of rows.
 *
 * Left out: maps of the steps, models of relative depth (inverse depth may be 0, which has no logarithm).
 */
import { CANONICAL_FOCAL } from '../image/camera.ts'
import { type Crop, resizeBilinear } from '../image/resize.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import { type DarConfig, isMetric, memoryGrid } from '../model/index.ts'
import { DarError } from '../support/errors.ts'
import { refuseUnknown } from '../support/options.ts'
import { factsOf, type MapFacts } from './facts.ts'
import { snapEdges } from './snap-edges.ts'
import { addTile, blendWeights, fitTile, keepMeans, layoutTiles, tilesOf } from './tiles.ts'
import type { DepthMap, NetworkMaps, PredictOptions, Size, TileOptions } from './types.ts'

/** What is used of a model. */
export interface TiledModel {
  readonly name: string
  readonly config: DarConfig
  predictMaps(image: RgbImage, options?: Omit<PredictOptions, 'tiles'>): Promise<NetworkMaps>
}

/** A map that was made of tiles. */
export interface TiledMap extends DepthMap, MapFacts {
  readonly intrinsics: Intrinsics
  /** How many; 0 where the photo was too small for any. */
  readonly tiles: number
}

const OPTIONS: Readonly<Record<keyof TileOptions, true>> = { across: true, overlap: true, edges: true, onTile: true }
const MOST_ACROSS = 8
/** With tiles nearly as large as the photo there is nothing to gain. */
const LEAST_ACROSS = 1.25
/** Radius of the search for a photo's edge, in pixels of the global map: half of the ramp that stands for an edge there, and some more. */
const SNAP_CELLS = 2.5
const MOST_RADIUS = 48

/** Throws a DarError where `tiles` is no `true` and no options that make sense. Returns the options. */
export function checkTiles(
  tiles: true | TileOptions,
): Required<Omit<TileOptions, 'onTile'>> & Pick<TileOptions, 'onTile'> {
  if (tiles !== true) refuseUnknown(tiles, OPTIONS, 'tiles')
  const { across = 3, overlap = 0.5, edges = 'photo', onTile } = tiles === true ? {} : tiles
  if (!(across >= 1 && across <= MOST_ACROSS))
    throw new DarError(`across of tiles is ${String(across)}; give a number from 1 to ${MOST_ACROSS}`)
  if (!(overlap >= 0.1 && overlap <= 0.8))
    throw new DarError(`overlap of tiles is ${String(overlap)}; give a share from 0.1 to 0.8`)
  if (edges !== 'photo' && edges !== 'network')
    throw new DarError(`edges of tiles is '${String(edges)}'; give photo or network`)
  return { across, overlap, edges, onTile }
}

/**
 * The depth map of a photo from tiles, in metres, at the photo's size. The pixels must not change until it is there.
 * @throws DarError for a model of relative depth, with `steps`, or as `predict`.
 */
export async function predictTiled(
  model: TiledModel,
  image: RgbImage,
  { tiles, steps = false, ...options }: Omit<PredictOptions, 'tiles'> & { readonly tiles: true | TileOptions },
): Promise<TiledMap> {
  const { across: asked, overlap, edges, onTile } = checkTiles(tiles)
  if (!isMetric(model.config))
    throw new DarError(
      `${model.name} predicts relative depth, which is not predicted in tiles; take a metric model, or leave tiles out`,
    )
  if (steps) throw new DarError('the maps of the steps are not predicted in tiles; leave out steps or tiles')
  const { width, height } = image
  const whole = await model.predictMaps(image, options)
  const { focal, intrinsics, networkSize, warnings } = whole
  const global = logOf(whole.depth)
  const across = Math.min(asked, width / networkSize.width, height / networkSize.height)
  const sum: DepthImage = { width, height, data: new Float32Array(width * height) }
  const spent = { ...whole.milliseconds }
  let count = 0
  if (across < LEAST_ACROSS) resizeBilinear(global.data, global.width, global.height, width, height, { out: sum.data })
  else {
    const grid = layoutTiles(image, { shape: networkSize, across, overlap, token: tokenOf(networkSize) })
    const places = tilesOf(grid)
    const [weightsX, weightsY] = [blendWeights(grid.x), blendWeights(grid.y)]
    // In pixels, so it is that of every crop.
    const { size, flip, signal } = options
    const inPixels = { size, flip, signal, focal: focal.relative * Math.hypot(width, height) }
    const predicted = (i: number) => {
      const maps = model.predictMaps(cropOf(image, places[i]), inPixels)
      maps.catch(() => {}) // it is awaited below, after the tile before it
      return maps
    }
    let next = predicted(0)
    for (const [i, { column, row, ...crop }] of places.entries()) {
      const { depth, milliseconds } = await next
      if (i + 1 < places.length) next = predicted(i + 1)
      const begin = performance.now()
      const tile = logOf(depth)
      const offset = fitTile(tile, global, crop, image)
      addTile(sum, tile, crop, { offset, x: weightsX[column], y: weightsY[row] })
      for (const part of ['compile', 'prepare', 'run', 'finish'] as const) spent[part] += milliseconds[part]
      spent.finish += performance.now() - begin
      count++
      onTile?.(count, places.length)
    }
    const begin = performance.now()
    keepMeans(sum, global)
    spent.finish += performance.now() - begin
    await nextTurn()
  }
  const begin = performance.now()
  if (edges === 'photo') {
    const radius = Math.round(Math.min(MOST_RADIUS, Math.max(2, (SNAP_CELLS * width) / networkSize.width)))
    for (const _ of snapEdges(sum, image, { radius })) await nextTurn()
  }
  const range = focal.relative / CANONICAL_FOCAL
  const { dMin, dMax } = model.config
  const ends = { least: dMin * range, most: dMax * range }
  await toMetres(sum.data, ends)
  const facts = factsOf(sum.data, ends)
  const sigma = whole.sigma && sigmaOf(whole.depth, whole.sigma, sum)
  spent.finish += performance.now() - begin
  const rest = { ...facts, focal, intrinsics, networkSize, warnings, steps: [], milliseconds: spent, tiles: count }
  return { width, height, depth: sum.data, data: sum.data, sigma, ...rest }
}

/** Network pixels of a token of the finest step: a cell of the memory's grid (algorithm section 3). */
export function tokenOf({ width, height }: Size): Size {
  const [rows, columns] = memoryGrid([height, width])
  return { width: width / columns, height: height / rows }
}

function cropOf({ data, width }: RgbImage, { left, top, width: w, height: h }: Crop): RgbImage {
  const out = new Uint8Array(3 * w * h)
  for (let y = 0; y < h; y++) {
    const from = 3 * ((top + y) * width + left)
    out.set(data.subarray(from, from + 3 * w), 3 * w * y)
  }
  return { width: w, height: h, data: out }
}

/** In new memory. */
function logOf({ width, height, data }: DepthImage): DepthImage {
  return { width, height, data: data.map(Math.log) }
}

/** Values of one turn of the event loop. */
const AT_ONCE = 2 ** 20

/** ln d → d within the range, in place. */
async function toMetres(data: Float32Array, { least, most }: { readonly least: number; readonly most: number }) {
  for (let from = 0; from < data.length; from += AT_ONCE) {
    const end = Math.min(data.length, from + AT_ONCE)
    for (let i = from; i < end; i++) data[i] = Math.min(most, Math.max(least, Math.exp(data[i])))
    await nextTurn()
  }
}

/** The share σ/d of the global map, at the new depth. Tiles have a σ too, but of their own scale. */
function sigmaOf(depth: DepthImage, sigma: DepthImage, { width, height, data }: DepthImage): Float32Array {
  const { width: w, height: h } = sigma
  const under = resizeBilinear(depth.data, depth.width, depth.height, w, h)
  const share = sigma.data.map((value, i) => value / under[i])
  const out = resizeBilinear(share, w, h, width, height)
  for (let i = 0; i < out.length; i++) out[i] *= data[i]
  return out
}

/** Lets what else waits have its turn. */
const nextTurn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))
