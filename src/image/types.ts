/** What an image and a depth map are everywhere in this project. */

/** 8-bit RGB, row-major, channels last: `data[3 * (y * width + x) + c]`. */
export interface RgbImage {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
  /** Focal length in 35 mm equivalent millimetres, from EXIF, if the file tells. */
  readonly focal35?: number
  /** How the file gives `focal35`, or what it lacks for it, in words. */
  readonly focalNote?: string
}

/** Metres along the optical axis (z-depth), row-major; 0 = no measurement. */
export interface DepthImage {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** Pinhole camera in pixels of the image it belongs to. */
export interface Intrinsics {
  readonly fx: number
  readonly fy: number
  readonly cx: number
  readonly cy: number
}
