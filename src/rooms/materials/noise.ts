/**
 * Noise for the procedural textures: integer lattice hashes, value noise (random values on a grid, smoothly
 * interpolated) and a two-octave sum. The grid's values come from tables of 1024 entries, as in Perlin's code; a
 * repetition after a thousand cells is not visible. Only integers and basic arithmetic are used, so the bytes are the
 * same on every machine. Leaves out gradient noise, whose difference is not visible at these resolutions.
 */

/** A number in [0, 1) that depends on the lattice point and the seed only. All three are taken as 32-bit integers. */
export function hash2(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return ((h ^ (h >>> 15)) >>> 0) * 2.3283064365386963e-10
}

const SIZE = 1024
const MASK = SIZE - 1
const VALUES = Float64Array.from({ length: SIZE }, (_, i) => hash2(i, 1, 77))
const SHIFTS = Int32Array.from({ length: SIZE }, (_, i) => Math.floor(hash2(i, 2, 77) * SIZE))

/** Value noise in [0, 1] with unit lattice spacing. */
export function noise2(x: number, y: number, seed: number): number {
  const ix = Math.floor(x)
  const iy = Math.floor(y)
  const fx = x - ix
  const fy = y - iy
  const sx = fx * fx * (3 - 2 * fx)
  const row = (iy + seed) | 0
  const a = ix + SHIFTS[row & MASK] + (seed >>> 12)
  const b = ix + SHIFTS[(row + 1) & MASK] + (seed >>> 12)
  const top = VALUES[a & MASK]
  const bottom = VALUES[b & MASK]
  const left = top + (VALUES[(a + 1) & MASK] - top) * sx
  return left + (bottom + (VALUES[(b + 1) & MASK] - bottom) * sx - left) * (fy * fy * (3 - 2 * fy))
}

/** Two octaves of value noise, in [0, 1]. */
export function cloud2(x: number, y: number, seed: number): number {
  return 0.65 * noise2(x, y, seed) + 0.35 * noise2(2.13 * x + 5.7, 2.13 * y + 1.3, seed + 1)
}
