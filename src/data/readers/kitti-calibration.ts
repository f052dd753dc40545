/**
 * KITTI's calibration files, lines of `name: numbers`, and the 3×4 matrix that takes a laser point to a pixel.
 *
 *     object   x = P2 · R0_rect · Tr_velo_to_cam · X                       calib/<n>.txt
 *     raw      x = P_rect_0k · R_rect_00 · (R | T) · X                     calib_cam_to_cam.txt, calib_velo_to_cam.txt
 *
 * X is (x, y, z, 1) in metres, forward, left, up; x = (u·d, v·d, d), d the depth along the optical axis. The camera of the
 * rectified image is the left 3×3 of its P. (Geiger et al., "Vision meets robotics", IJRR 2013, eqs. 3 to 8.)
 */
import type { Intrinsics } from '../../image/types.ts'
import { DarError } from '../../support/errors.ts'
import { cameraFromMatrix } from './cameras.ts'
import { parseNumbers, readText } from './files.ts'

export interface KittiCalibration {
  /** Of the rectified image. */
  readonly intrinsics: Intrinsics
  /** Laser to pixels, 3×4, row by row; null when the file that has the laser's pose was not asked for. */
  readonly projection: Float64Array | null
}

/** `calib/<n>.txt` of the object set, for the left colour camera. Throws a DarError that names the file and the line. */
export async function readObjectCalibration(path: string): Promise<KittiCalibration> {
  const values = await readValues(path)
  const p = values('P2', 12)
  const rectified = product(square(values('R0_rect', 9)), rigid(values('Tr_velo_to_cam', 12)), 4, 4, 4)
  return { intrinsics: cameraOfProjection(p, path), projection: product(p, rectified, 3, 4, 4) }
}

/**
 * The two files of a day of the raw set. `camera`: 2 (left) or 3 (right). `velodynePath` null: the camera only.
 * Throws a DarError that names the file and the line.
 */
export async function readRawCalibration(
  cameraPath: string,
  velodynePath: string | null,
  camera: number,
): Promise<KittiCalibration> {
  const cameras = await readValues(cameraPath)
  const p = cameras(`P_rect_0${camera}`, 12)
  const intrinsics = cameraOfProjection(p, cameraPath)
  if (velodynePath === null) return { intrinsics, projection: null }
  const laser = await readValues(velodynePath)
  const [r, t] = [laser('R', 9), laser('T', 3)]
  const pose = rigid([...r.slice(0, 3), t[0], ...r.slice(3, 6), t[1], ...r.slice(6, 9), t[2]])
  const rectified = product(square(cameras('R_rect_00', 9)), pose, 4, 4, 4)
  return { intrinsics, projection: product(p, rectified, 3, 4, 4) }
}

async function readValues(path: string): Promise<(name: string, count: number) => number[]> {
  const lines = new Map<string, string>()
  for (const line of (await readText(path)).split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) lines.set(line.slice(0, colon).trim(), line.slice(colon + 1))
  }
  return (name, count) => {
    const line = lines.get(name)
    if (line === undefined) throw new DarError(`${path} has no line '${name}:'; is it a KITTI calibration file?`)
    return parseNumbers(line, count, `${path}: '${name}'`)
  }
}

function cameraOfProjection(p: readonly number[], path: string): Intrinsics {
  return cameraFromMatrix([p[0], p[1], p[2], p[4], p[5], p[6]], path)
}

/** 3×3 as a 4×4. */
function square(r: readonly number[]): number[] {
  return [...r.slice(0, 3), 0, ...r.slice(3, 6), 0, ...r.slice(6, 9), 0, 0, 0, 0, 1]
}

/** 3×4 as a 4×4. */
function rigid(t: readonly number[]): number[] {
  return [...t, 0, 0, 0, 1]
}

/** a (n×m) · b (m×k). */
function product(a: ArrayLike<number>, b: ArrayLike<number>, n: number, m: number, k: number): Float64Array {
  const out = new Float64Array(n * k)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < k; j++) for (let l = 0; l < m; l++) out[i * k + j] += a[i * m + l] * b[l * k + j]
  return out
}
