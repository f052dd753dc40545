/**
 * NYU Depth v2's labelled set as its authors publish it, `nyu_depth_v2_labeled.mat`: MATLAB 7.3, which is HDF5, 2.8 GB. Read
 * in place, one frame at a time.
 *
 *     images      N × 3 × 640 × 480  uint8     MATLAB stores columns first: the last axis runs down the image
 *     rawDepths   N × 640 × 480      float32   metres, projected onto the colour camera, 0 = not measured
 *     depths      N × 640 × 480      float32   metres, holes filled by colourisation
 *
 * Frames are named by their place in the file, counted from 0, five digits, as in the BTS layout. Published figures are
 * over `rawDepths` of the 654 test frames. Labels, instances and scene names are left out.
 */
import { dirname, join } from 'node:path'
import type { DepthImage, RgbImage } from '../../image/types.ts'
import { DarError } from '../../support/errors.ts'
import { namedDataset } from '../named.ts'
import type { NamedDataset } from '../types.ts'
import { nyuCamera } from './cameras.ts'
import { baseName, kindOf } from './files.ts'
import { type Hdf5, MAX_PIXELS, type Numbers, withHdf5 } from './hdf5.ts'
import { NYU_LABELED_FRAMES, type NyuSplit, officialNyuSplit, readNyuSplit } from './nyu-split.ts'
import type { ReaderOptions } from './options.ts'

const FILE = 'nyu_depth_v2_labeled.mat'

/**
 * `path`: the .mat file, or a folder that holds it under its own name. `side` takes the official split; a file with another
 * number of frames needs `list`, NYU's `splits.mat` or the test frames' numbers (see `readNyuSplit`). A `splits.mat`
 * beside the file is used without being named.
 * @throws DarError, here for a damaged file or one of another layout, in `get` for a damaged frame.
 */
export async function nyuLabeledDataset(path: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { side = 'all', list, truth = 'measured', name = 'nyu' } = options
  const file = (await kindOf(path)) === 'folder' ? join(path, FILE) : path
  const key = truth === 'filled' ? 'depths' : 'rawDepths'
  const shape = await withHdf5(file, (mat) => shapeOf(mat, file, key))
  const frames = side === 'all' ? range(shape.frames) : (await splitOf(file, list, shape.frames))[side]
  if (frames.length === 0) throw new DarError(`the ${side} side of ${baseName(file)} has no frame; check the split`)
  const names = frames.map((i) => String(i).padStart(5, '0'))
  return namedDataset(name, names, async (_, i) => {
    const { rgb, metres } = await withHdf5(file, (mat) => ({
      rgb: mat.read('images', shape.single ? undefined : frames[i]),
      metres: mat.read(key, shape.single ? undefined : frames[i]),
    }))
    const { width, height } = shape
    if (rgb.length !== 3 * width * height || metres.length !== width * height)
      throw new DarError(
        `${file}: frame ${names[i]} has ${rgb.length} and ${metres.length} values; copy or download it again`,
      )
    return {
      image: imageOf(rgb, width, height),
      depth: depthOf(metres, width, height),
      intrinsics: nyuCamera({ width, height }),
    }
  })
}

interface Shape {
  readonly frames: number
  readonly width: number
  readonly height: number
  /** MATLAB drops a last axis of length 1, which is the first one here. */
  readonly single: boolean
}

function shapeOf(mat: Hdf5, file: string, key: string): Shape {
  const images = mat.shape('images')
  const depths = mat.shape(key)
  if (!images || !depths) throw new DarError(`${file} has no '${images ? key : 'images'}'; give NYU's ${FILE}`)
  const single = depths.length === 2
  const [frames, width, height] = single ? [1, ...depths] : depths
  const wanted = single ? [3, width, height] : [frames, 3, width, height]
  if (
    depths.length > 3 ||
    depths.length < 2 ||
    images.join() !== wanted.join() ||
    !(width * height > 0 && width * height <= MAX_PIXELS)
  )
    throw new DarError(
      `${file}: 'images' is ${images.join('×')} and '${key}' ${depths.join('×')}; expected N×3×W×H and N×W×H`,
    )
  return { frames, width, height, single }
}

async function splitOf(file: string, list: string | undefined, frames: number): Promise<NyuSplit> {
  const beside = join(dirname(file), 'splits.mat')
  if (list !== undefined) return readNyuSplit(list, frames)
  if ((await kindOf(beside)) === 'file') return readNyuSplit(beside, frames)
  if (frames === NYU_LABELED_FRAMES) return officialNyuSplit()
  throw new DarError(
    `${file} has ${frames} frames, and the official split is of ${NYU_LABELED_FRAMES}; give a split file (splits.mat)`,
  )
}

const range = (length: number) => Array.from({ length }, (_, i) => i)

/** 3 × W × H, columns of pixels, to H × W × 3. */
function imageOf(planes: Numbers, width: number, height: number): RgbImage {
  const data = new Uint8Array(3 * width * height)
  for (let c = 0; c < 3; c++)
    for (let x = 0; x < width; x++)
      for (let y = 0, from = (c * width + x) * height; y < height; y++) data[3 * (y * width + x) + c] = planes[from++]
  return { width, height, data }
}

/** W × H to H × W. Values that are not positive numbers become "no measurement". */
function depthOf(metres: Numbers, width: number, height: number): DepthImage {
  const data = new Float32Array(width * height)
  for (let x = 0; x < width; x++)
    for (let y = 0, from = x * height; y < height; y++, from++) {
      const d = metres[from]
      data[y * width + x] = d > 0 && d < Number.POSITIVE_INFINITY ? d : 0
    }
  return { width, height, data }
}
