/**
 * The pinhole camera: x right, y down, z forward. The ray of pixel (x, y), integers at pixel centres, is ((x − cx)/fx,
 * (y − cy)/fy, 1), so the ray parameter of a hit is its z-depth.
 */
import type { Intrinsics } from '../../image/types.ts'
import type { Vector } from './primitives.ts'

/** Least and greatest z-depth of any pixel, metres. */
export const NEAREST = 0.3
export const FARTHEST = 10

export interface Viewpoint {
  readonly position: Vector
  readonly right: Vector
  readonly down: Vector
  readonly forward: Vector
  readonly intrinsics: Intrinsics
}

/** Yaw about the vertical axis, pitch (up is positive) and roll, in radians. */
export function look(position: Vector, yaw: number, pitch: number, roll: number, intrinsics: Intrinsics): Viewpoint {
  const cp = Math.cos(pitch)
  const sp = Math.sin(pitch)
  const cw = Math.cos(yaw)
  const sw = Math.sin(yaw)
  const cr = Math.cos(roll)
  const sr = Math.sin(roll)
  const forward: Vector = [cw * cp, sw * cp, sp]
  const right: Vector = [sw, -cw, 0]
  const down: Vector = [cw * sp, sw * sp, -cp]
  const turn = (a: number, b: number): Vector => [
    a * right[0] + b * down[0],
    a * right[1] + b * down[1],
    a * right[2] + b * down[2],
  ]
  return { position, forward, right: turn(cr, sr), down: turn(-sr, cr), intrinsics }
}

/** Sets the first six numbers of `ray`, origin and direction, to the ray through image point (x, y). */
export function aimThrough(ray: Float64Array, view: Viewpoint, x: number, y: number): void {
  const { right: r, down: d, forward: f, position: p, intrinsics: k } = view
  const a = (x - k.cx) / k.fx
  const b = (y - k.cy) / k.fy
  ray[0] = p[0]
  ray[1] = p[1]
  ray[2] = p[2]
  ray[3] = f[0] + a * r[0] + b * d[0]
  ray[4] = f[1] + a * r[1] + b * d[1]
  ray[5] = f[2] + a * r[2] + b * d[2]
}
