/**
 * Visibility of each light at each pixel. Every lamp, window and the sun has one shadow ray per pixel of a half-size
 * grid. It goes to one of eight points of the lamp that alternate over 4×4 pixels, so a 4×4 mean over one surface
 * covers all eight (interleaved sampling, Keller and Heidrich 2001). Ambient occlusion by near things is sampled in the
 * same way. Leaves out shadows finer than four pixels.
 */
import type { Scene } from '../scene.ts'
import { locate, Surface } from '../solids/surface.ts'

/** Numbers per lamp in the flat table. */
export const LAMP = 16

/** Greatest distance at which things occlude each other's ambient light, metres. */
const REACH = 0.7

/**
 * The sample point, of eight, that a pixel of the half-size grid takes, over 4×4 pixels. Each colour of a chequerboard
 * takes every point once, and neighbours take points far apart.
 */
const ORDER = [0, 3, 4, 7, 5, 2, 1, 6, 5, 6, 1, 2, 0, 7, 4, 3]

/** Bit reversal of 0 to 7: with it, eight points of a square fall into eight rows and eight columns. */
const REVERSED = [0, 4, 2, 6, 1, 5, 3, 7]

/** Eight cosine-weighted directions over the hemisphere (Vogel spiral), z up. Stride 3. */
const HEMISPHERE = Float64Array.from({ length: 24 }, (_, i) => {
  const k = Math.floor(i / 3)
  const r2 = (k + 0.5) / 8
  const r = Math.sqrt(r2)
  const a = k * 2.399963229728653
  return i % 3 === 0 ? r * Math.cos(a) : i % 3 === 1 ? r * Math.sin(a) : Math.sqrt(1 - r2)
})

/** Which of the eight a sample of the half-size grid takes. */
export function turnOf(i: number, j: number): number {
  return ORDER[(i & 3) + 4 * (j & 3)]
}

/** Sets the direction of `ray` to the `turn`-th of the hemisphere about the normal. */
export function hemisphereRay(ray: Float64Array, { nx, ny, nz }: Surface, turn: number): void {
  const d = 3 * turn
  // A basis round the normal without square roots (Duff et al., "Building an orthonormal basis, revisited").
  const s = nz >= 0 ? 1 : -1
  const q = -1 / (s + nz)
  const r = nx * ny * q
  const hx = HEMISPHERE[d]
  const hy = HEMISPHERE[d + 1]
  const hz = HEMISPHERE[d + 2]
  ray[3] = hx * (1 + s * nx * nx * q) + hy * r + hz * nx
  ray[4] = hx * s * r + hy * (s + ny * ny * q) + hz * ny
  ray[5] = -hx * s * nx - hy * ny + hz * nz
}

export class Shadows {
  /**
   * Visible shares at the pixel of the last `gather`: one per lamp, then the sun if there is one, then the ambient
   * light.
   */
  readonly here: Float64Array
  readonly lampCount: number
  /** Per lamp: centre, u, v, normal, colour, 1 if it has a normal. Stride LAMP. */
  readonly lamps: Float64Array
  private readonly scene: Scene
  private readonly channels: number
  private readonly width: number
  /** Solid and face of every pixel of the image. */
  private readonly keys: Int32Array
  private readonly halfWidth: number
  private readonly halfHeight: number
  private readonly seen: Float32Array
  private readonly smooth: Float32Array
  private readonly at = new Surface()

  constructor(scene: Scene, keys: Int32Array, width: number, height: number) {
    this.scene = scene
    this.keys = keys
    this.width = width
    this.lampCount = scene.lights.length
    this.channels = this.lampCount + (scene.sun === null ? 0 : 1) + 1
    this.lamps = Float64Array.from(
      scene.lights.flatMap((l) => [
        ...l.centre,
        ...l.u,
        ...l.v,
        ...(l.normal ?? [0, 0, 0]),
        ...l.colour,
        l.normal === null ? 0 : 1,
      ]),
    )
    this.halfWidth = (width + 1) >> 1
    this.halfHeight = (height + 1) >> 1
    this.seen = new Float32Array(this.channels * this.halfWidth * this.halfHeight)
    this.smooth = new Float32Array(this.seen.length)
    this.here = new Float64Array(this.channels)
  }

  /**
   * `aim` sets the tracer's ray and hit to those of a pixel. Casts shadow rays and ambient occlusion rays at every
   * second pixel of every second row. The two kinds alternate in a chequerboard, so that a 4×4 mean sees eight
   * directions of each.
   */
  cast(aim: (x: number, y: number) => void): void {
    const { at, width, keys, seen, channels, halfWidth, halfHeight } = this
    const { tracer, sun } = this.scene
    const { lamps, lampCount } = this
    const { ray } = tracer
    // The solid that last hid each lamp. Rays of neighbours most likely hit it too.
    const last = new Int32Array(channels).fill(-1)
    const hidden = (channel: number, until: number): boolean => {
      if (last[channel] >= 0 && tracer.blockedBy(last[channel], until)) return true
      last[channel] = tracer.blocker(until)
      return last[channel] >= 0
    }
    for (let j = 0; j < halfHeight; j++)
      for (let i = 0; i < halfWidth; i++) {
        const pixel = 2 * j * width + 2 * i
        aim(2 * i, 2 * j)
        locate(tracer, keys[pixel] >> 3, at)
        const out = channels * (j * halfWidth + i)
        const turn = turnOf(i, j)
        const { nx, ny, nz } = at
        // Start a little off the surface.
        const x = at.x + 1e-3 * nx
        const y = at.y + 1e-3 * ny
        const z = at.z + 1e-3 * nz
        ray[0] = x
        ray[1] = y
        ray[2] = z
        for (let l = 0; l < lampCount; l++) {
          const o = LAMP * l
          const k = (turn + 3 * l) & 7
          const a = (2 * k - 7) / 8
          const b = (2 * REVERSED[k] - 7) / 8
          const dx = lamps[o + 0] + a * lamps[o + 3] + b * lamps[o + 6] - x
          const dy = lamps[o + 1] + a * lamps[o + 4] + b * lamps[o + 7] - y
          const dz = lamps[o + 2] + a * lamps[o + 5] + b * lamps[o + 8] - z
          if (((i + j + l) & 1) !== 0) continue
          // The cosine already makes surfaces dark that face away, so they need no ray.
          const facing = dx * nx + dy * ny + dz * nz > 0
          ray[3] = dx
          ray[4] = dy
          ray[5] = dz
          seen[out + l] = facing && hidden(l, 0.999) ? 0 : 1
        }
        if (sun !== null && ((i + j + lampCount) & 1) === 0) {
          const until = this.sunThrough(turn)
          seen[out + lampCount] = until > 0 && !hidden(lampCount, until - 1e-3) ? 1 : 0
        }
        if (((i + j + channels - 1) & 1) !== 0) continue
        hemisphereRay(ray, at, turn)
        seen[out + channels - 1] = hidden(channels - 1, REACH) ? 0 : 1
      }
  }

  /** Aims the ray from its origin at a point of the sun; the t at which it leaves through a window, or 0 if it does not. */
  private sunThrough(turn: number): number {
    const { sun, tracer } = this.scene
    if (sun === null) return 0
    const { at } = this
    const { ray } = tracer
    const jitter = 0.012
    const dx = sun.direction[0] + jitter * (turn - 3.5) * 0.5
    const dy = sun.direction[1] + jitter * (REVERSED[turn] - 3.5) * 0.5
    const dz = sun.direction[2]
    ray[3] = dx
    ray[4] = dy
    ray[5] = dz
    if (dx * at.nx + dy * at.ny + dz * at.nz <= 0) return 0
    for (const w of sun.windows) {
      const towards = -(dx * w.normal[0] + dy * w.normal[1])
      if (towards <= 1e-3) continue
      const t = ((ray[0] - w.centre[0]) * w.normal[0] + (ray[1] - w.centre[1]) * w.normal[1]) / towards
      if (t <= 0) continue
      const px = ray[0] + t * dx - w.centre[0]
      const py = ray[1] + t * dy - w.centre[1]
      const pz = ray[2] + t * dz - w.centre[2]
      if (Math.abs(pz) < w.halfHeight && Math.abs(px * w.along[0] + py * w.along[1]) < w.halfWidth) return t
    }
    return 0
  }

  /** 4×4 means over samples of the same face of the same solid; over all samples where it has none. */
  smoothen(): void {
    const { width, keys, seen, smooth, channels, halfWidth, halfHeight } = this
    const sums = new Float64Array(channels)
    const counts = new Int32Array(2)
    for (let j = 0; j < halfHeight; j++)
      for (let i = 0; i < halfWidth; i++) {
        const key = keys[2 * j * width + 2 * i]
        sums.fill(0)
        counts.fill(0)
        const u0 = i < 2 ? 0 : i - 2
        const u1 = i + 1 < halfWidth ? i + 1 : i
        const v1 = j + 1 < halfHeight ? j + 1 : j
        for (let v = j < 2 ? 0 : j - 2; v <= v1; v++)
          for (let u = u0; u <= u1; u++) {
            if (keys[2 * v * width + 2 * u] !== key) continue
            const from = channels * (v * halfWidth + u)
            const parity = (u + v) & 1
            for (let c = parity; c < channels; c += 2) sums[c] += seen[from + c]
            counts[parity]++
          }
        for (let parity = 0; parity < 2; parity++) {
          if (counts[parity] > 0) continue
          for (let v = j < 2 ? 0 : j - 2; v <= v1; v++)
            for (let u = u0; u <= u1; u++) {
              if (((u + v) & 1) !== parity) continue
              for (let c = parity; c < channels; c += 2) sums[c] += seen[channels * (v * halfWidth + u) + c]
              counts[parity]++
            }
        }
        const out = channels * (j * halfWidth + i)
        for (let c = 0; c < channels; c++) smooth[out + c] = sums[c] / counts[c & 1]
      }
  }

  /** Visibilities at a pixel of the full grid, from the neighbouring samples on the same face, into `here`. */
  gather(x: number, y: number, key: number): void {
    const { width, keys, smooth, channels, halfWidth, halfHeight, here } = this
    const i0 = x >> 1
    const j0 = y >> 1
    const i1 = i0 + (x & 1) < halfWidth ? i0 + (x & 1) : i0
    const j1 = j0 + (y & 1) < halfHeight ? j0 + (y & 1) : j0
    const a = j0 * halfWidth + i0
    const b = j0 * halfWidth + i1
    const c = j1 * halfWidth + i0
    const d = j1 * halfWidth + i1
    // Samples of another face get a tiny weight, which matters only when there are no others.
    let wa = keys[2 * j0 * width + 2 * i0] === key ? 1 : 1e-3
    let wb = keys[2 * j0 * width + 2 * i1] === key ? 1 : 1e-3
    let wc = keys[2 * j1 * width + 2 * i0] === key ? 1 : 1e-3
    let wd = keys[2 * j1 * width + 2 * i1] === key ? 1 : 1e-3
    const total = 1 / (wa + wb + wc + wd)
    wa *= total
    wb *= total
    wc *= total
    wd *= total
    for (let k = 0; k < channels; k++) {
      here[k] =
        wa * smooth[a * channels + k] +
        wb * smooth[b * channels + k] +
        wc * smooth[c * channels + k] +
        wd * smooth[d * channels + k]
    }
  }
}
