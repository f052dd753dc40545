/**
 * Focal lengths, and what they do to metric depth.
 *
 * One photo cannot tell size from distance: an object that is twice as large and twice as far away gives the same
 * pixels. A lens of twice the focal length makes everything look half as far away. A network that sees only pixels can
 * therefore learn metres for one focal length only. As in Metric3D's canonical camera (Yin et al., ICCV 2023), labels
 * are scaled to one canonical focal length, and predictions are scaled back with the image's own:
 *
 *     f      = √(fx·fy) / √(width² + height²)        focal length in image diagonals (free of resolution)
 *     d_can  = d · CANONICAL_FOCAL / f
 *     d      = d_can · f / CANONICAL_FOCAL
 *
 * An image of unknown focal length is treated as if it were taken with the canonical lens, that of a phone's main
 * camera: 26 mm in 35 mm equivalents (a 67° horizontal field of view at 4:3).
 */
import type { Intrinsics } from './types.ts'

/** Diagonal of the 36×24 mm frame that "35 mm equivalent" refers to. */
export const FULL_FRAME_DIAGONAL = Math.hypot(36, 24)

/** Canonical focal length in image diagonals: a 26 mm equivalent lens. */
export const CANONICAL_FOCAL = 26 / FULL_FRAME_DIAGONAL

/** Focal length in image diagonals, from intrinsics in pixels of a `width`×`height` image. */
export function relativeFocal(intrinsics: Intrinsics, width: number, height: number): number {
  return Math.sqrt(intrinsics.fx * intrinsics.fy) / Math.hypot(width, height)
}

/** Focal length in image diagonals, from the 35 mm equivalent in EXIF. */
export function relativeFocalFrom35(millimetres: number): number {
  return millimetres / FULL_FRAME_DIAGONAL
}

/** The 35 mm equivalent, in millimetres, of a focal length in image diagonals. */
export function focal35From(relative: number): number {
  return relative * FULL_FRAME_DIAGONAL
}

/** Factor from true metres to canonical metres; 1 for an unknown camera. */
export function canonicalScale(relative: number | null): number {
  return relative === null ? 1 : CANONICAL_FOCAL / relative
}
