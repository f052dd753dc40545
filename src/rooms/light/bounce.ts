/**
 * Light reflected by other surfaces, one bounce. At every second pixel of every second row one ray goes into the
 * hemisphere, in one of eight directions that alternate over 4×4 samples. It collects what its hit reflects, without a
 * shadow test there. Means over samples of the same face, 4×4 and then nine of those, remove the noise and keep edges
 * (Dammertz et al., "Edge-avoiding À-Trous wavelet transform", 2010, with the face in place of its weights).
 */
import type { Scene } from '../scene.ts'
import { locate, Surface } from '../solids/surface.ts'
import { hemisphereRay, turnOf } from './shadows.ts'

/** Radiance above this comes from a lamp or a window, whose light is already counted. */
const BRIGHTEST = 1.2

export class Bounce {
  /** Linear RGB irradiance at the pixel of the last `gather`. */
  readonly here = new Float64Array(3)
  private readonly scene: Pick<Scene, 'tracer'>
  private readonly keys: Int32Array
  private readonly width: number
  private readonly halfWidth: number
  private readonly halfHeight: number
  private light: Float32Array
  private readonly at = new Surface()

  /** `keys`: solid and face of every pixel of the image, filled before `cast`. */
  constructor(scene: Pick<Scene, 'tracer'>, keys: Int32Array, width: number, height: number) {
    this.scene = scene
    this.keys = keys
    this.width = width
    this.halfWidth = (width + 1) >> 1
    this.halfHeight = (height + 1) >> 1
    this.light = new Float32Array(3 * this.halfWidth * this.halfHeight)
  }

  /**
   * `aim` sets the tracer's ray and hit to those of a pixel; `shade` gives the radiance of the tracer's hit on a solid.
   */
  cast(aim: (x: number, y: number) => void, shade: (solid: number) => ArrayLike<number>): void {
    const { at, width, keys, light, halfWidth, halfHeight } = this
    const { tracer } = this.scene
    for (let j = 0; j < halfHeight; j++)
      for (let i = 0; i < halfWidth; i++) {
        aim(2 * i, 2 * j)
        locate(tracer, keys[2 * j * width + 2 * i] >> 3, at)
        tracer.ray[0] = at.x + 1e-3 * at.nx
        tracer.ray[1] = at.y + 1e-3 * at.ny
        tracer.ray[2] = at.z + 1e-3 * at.nz
        hemisphereRay(tracer.ray, at, turnOf(i, j))
        const hit = tracer.nearest()
        if (hit < 0) continue
        const colour = shade(hit)
        const o = 3 * (j * halfWidth + i)
        for (let k = 0; k < 3; k++) light[o + k] = Math.min(colour[k], BRIGHTEST)
      }
  }

  smoothen(): void {
    this.light = this.means(-2, 1, 1)
    this.light = this.means(-1, 1, 4)
  }

  /** Means over the same face, of samples from..to times `step` away along both axes. */
  private means(from: number, to: number, step: number): Float32Array {
    const { width, keys, light, halfWidth, halfHeight } = this
    const out = new Float32Array(light.length)
    for (let j = 0; j < halfHeight; j++)
      for (let i = 0; i < halfWidth; i++) {
        const key = keys[2 * j * width + 2 * i]
        let r = 0
        let g = 0
        let b = 0
        let n = 0
        for (let dv = from; dv <= to; dv++) {
          const v = j + dv * step
          if (v < 0 || v >= halfHeight) continue
          for (let du = from; du <= to; du++) {
            const u = i + du * step
            if (u < 0 || u >= halfWidth || keys[2 * v * width + 2 * u] !== key) continue
            const o = 3 * (v * halfWidth + u)
            r += light[o]
            g += light[o + 1]
            b += light[o + 2]
            n++
          }
        }
        const o = 3 * (j * halfWidth + i)
        out[o] = r / n
        out[o + 1] = g / n
        out[o + 2] = b / n
      }
    return out
  }

  /** The light at a pixel of the full grid, from the neighbouring samples on the same face, into `here`. */
  gather(x: number, y: number, key: number): void {
    const { width, keys, light, halfWidth, halfHeight, here } = this
    here.fill(0)
    let total = 0
    for (let k = 0; k < 4; k++) {
      const i = Math.min((x >> 1) + (x & 1) * (k & 1), halfWidth - 1)
      const j = Math.min((y >> 1) + (y & 1) * (k >> 1), halfHeight - 1)
      // Samples of another face get a tiny weight, which matters only when there are no others.
      const w = keys[2 * j * width + 2 * i] === key ? 1 : 1e-3
      const o = 3 * (j * halfWidth + i)
      for (let c = 0; c < 3; c++) here[c] += w * light[o + c]
      total += w
    }
    for (let c = 0; c < 3; c++) here[c] /= total
  }
}
