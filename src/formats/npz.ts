/**
 * NumPy's `.npz`: several named arrays in one file, a zip of `.npy`. `numpy.load('photo.npz')['depth']` gives metres. The arrays are
 * stored, as numpy.savez stores them: deflating float32 depth takes long and gains little.
 */
import { zipSync } from 'fflate'
import type { NpyArray } from '../image/npy.ts'
import { encodeNpy } from '../image/npy.ts'
import type { DepthImage, Intrinsics } from '../image/types.ts'

/** The bytes of a `.npz` file. @throws DarError when a shape does not fit its data. */
export function encodeNpz(arrays: Readonly<Record<string, NpyArray>>): Uint8Array {
  const files = Object.entries(arrays).map(
    ([name, { data, shape }]) => [`${name}.npy`, encodeNpy(data, shape)] as const,
  )
  // A date of its own makes the same arrays the same bytes. It is local time, the earliest that a zip can hold.
  return zipSync(Object.fromEntries(files), { level: 0, mtime: new Date(1980, 0, 1) })
}

/**
 * `depth` (height × width, metres), `sigma` (the same, where there is one) and `intrinsics` (3 × 3, pixels of the map, where they are
 * known: [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]).
 */
export function encodeDepthNpz(
  depth: DepthImage,
  { sigma, intrinsics }: { readonly sigma?: Float32Array | null; readonly intrinsics?: Intrinsics | null } = {},
): Uint8Array {
  const shape = [depth.height, depth.width]
  return encodeNpz({
    depth: { data: depth.data, shape },
    ...(sigma && { sigma: { data: sigma, shape } }),
    ...(intrinsics && { intrinsics: { data: Float32Array.from(matrixOf(intrinsics)), shape: [3, 3] } }),
  })
}

const matrixOf = ({ fx, fy, cx, cy }: Intrinsics): number[] => [fx, 0, cx, 0, fy, cy, 0, 0, 1]
