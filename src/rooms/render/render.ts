/**
 * Light at the camera. Casts one ray per pixel (three where solids meet) and shades the hit with Lambert's law, a
 * Blinn-Phong highlight and one mirror bounce for polished materials. Direct light comes from lamps, windows and the
 * sun (shadows.ts). Light between surfaces is only an ambient term, reduced by near things. Depth is the t of the
 * pixel's own ray, exact and independent of the shading.
 */

import { Bounce } from '../light/bounce.ts'
import { LAMP, Shadows } from '../light/shadows.ts'
import { noise2 } from '../materials/noise.ts'
import { sampleTexture } from '../materials/texture.ts'
import type { Scene } from '../scene.ts'
import { aimThrough, type Viewpoint } from '../solids/camera.ts'
import { BOX, FRUSTUM, MESH } from '../solids/primitives.ts'
import { locate, Surface } from '../solids/surface.ts'
import { buildTiles, TILE, type Tiles } from '../solids/tiles.ts'

/**
 * Share of the ambient light that remains where surfaces light each other. It stands for the second and later bounces.
 */
const AMBIENT_LEFT = 0.4

export interface Rendering {
  /** Linear radiance, RGB, row-major, channels last. */
  readonly radiance: Float32Array
  /** z-depth in metres; 0 where it is not known. */
  readonly depth: Float32Array
}

/** Renders one view; null if some pixel is nearer or farther than the range allows. */
export function render(scene: Scene, view: Viewpoint, width: number, height: number): Rendering | null {
  return new Renderer(scene, view, width, height).run()
}

class Renderer {
  private readonly scene: Scene
  private readonly view: Viewpoint
  private readonly width: number
  private readonly height: number
  private readonly tiles: Tiles
  private readonly hits: Int32Array
  private readonly keys: Int32Array
  /** Triangle that each pixel sees, where it sees a mesh. */
  private readonly triangles: Int32Array
  private readonly depth: Float64Array
  private readonly at = new Surface()
  private readonly texel = new Float64Array(3)
  private readonly bumpTexel = new Float64Array(3)
  private readonly colour = new Float64Array(3)
  private readonly shadows: Shadows
  private readonly bounce: Bounce | null

  constructor(scene: Scene, view: Viewpoint, width: number, height: number) {
    this.scene = scene
    this.view = view
    this.width = width
    this.height = height
    this.hits = new Int32Array(width * height)
    this.keys = new Int32Array(width * height)
    this.triangles = new Int32Array(width * height)
    this.depth = new Float64Array(width * height)
    this.tiles = buildTiles(scene.tracer.primitives, view, width, height)
    this.shadows = new Shadows(scene, this.keys, width, height)
    this.bounce = scene.bounce ? new Bounce(scene, this.keys, width, height) : null
  }

  run(): Rendering | null {
    if (!this.castPrimary()) return null
    this.shadows.cast((x, y) => this.aimAtSeen(x, y))
    this.shadows.smoothen()
    this.bounce?.cast(
      (x, y) => this.aimAtSeen(x, y),
      (solid) => {
        this.shade(solid, false)
        return this.colour
      },
    )
    this.bounce?.smoothen()
    const radiance = this.shadeAll()
    this.smoothEdges(radiance)
    return { radiance, depth: this.knownDepth() }
  }

  /** Metres; 0 where a pane shows what is far away. */
  private knownDepth(): Float32Array {
    const { materials, tracer } = this.scene
    const depth = new Float32Array(this.depth)
    this.hits.forEach((solid, i) => {
      // Panes are rectangles, which have one material.
      if (materials[tracer.primitives.material[solid]].distant) depth[i] = 0
    })
    return depth
  }

  private tileOf(x: number, y: number): number {
    return Math.floor(y / TILE) * this.tiles.columns + Math.floor(x / TILE)
  }

  /** Sets the tracer's ray to the one through image point (x, y). */
  private aim(x: number, y: number): void {
    aimThrough(this.scene.tracer.ray, this.view, x, y)
  }

  /** Sets the tracer's ray and hit to those of a pixel that was cast before. */
  private aimAtSeen(x: number, y: number): void {
    const { tracer } = this.scene
    const i = y * this.width + x
    this.aim(x, y)
    tracer.ray[6] = this.depth[i]
    tracer.triangle = this.triangles[i]
  }

  /** Solid and face of the current ray's hit, in one number. */
  private keyOf(hit: number): number {
    const { tracer } = this.scene
    const kind = tracer.primitives.shape[hit]
    // Quads and ellipsoids have one face.
    if (kind !== BOX && kind !== FRUSTUM && kind !== MESH) return 8 * hit
    locate(tracer, hit, this.at)
    return this.at.key
  }

  private castPrimary(): boolean {
    const { width, height, tiles } = this
    const { tracer, range } = this.scene
    const { nearest, farthest } = range
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        this.aim(x, y)
        const hit = tracer.nearestInTile(tiles, this.tileOf(x, y))
        const t = tracer.ray[6]
        if (!(t >= nearest && t <= farthest)) return false
        const i = y * width + x
        this.hits[i] = hit
        this.triangles[i] = tracer.triangle
        this.keys[i] = this.keyOf(hit)
        this.depth[i] = t
      }
    return true
  }

  private shadeAll(): Float32Array {
    const { width, height, keys, hits, colour } = this
    const radiance = new Float32Array(3 * width * height)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const i = y * width + x
        this.shadows.gather(x, y, keys[i])
        this.bounce?.gather(x, y, keys[i])
        this.aimAtSeen(x, y)
        this.shade(hits[i], true)
        radiance[3 * i] = colour[0]
        radiance[3 * i + 1] = colour[1]
        radiance[3 * i + 2] = colour[2]
      }
    return radiance
  }

  /** Two more rays for each pixel that differs from a neighbour both in what it shows and in brightness. */
  private smoothEdges(radiance: Float32Array): void {
    const { width, height, keys, colour } = this
    const { tracer } = this.scene
    const differs = (i: number, k: number): boolean => {
      if (keys[i] === keys[k]) return false
      // Green stands for brightness. Steps of less than a tenth are not visible.
      const a = radiance[3 * i + 1]
      const b = radiance[3 * k + 1]
      const c = radiance[3 * i] + radiance[3 * i + 2]
      const d = radiance[3 * k] + radiance[3 * k + 2]
      return Math.abs(a - b) > 0.05 * (a + b) || Math.abs(c - d) > 0.05 * (c + d)
    }
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const i = y * width + x
        const edge =
          (x > 0 && differs(i, i - 1)) ||
          (x < width - 1 && differs(i, i + 1)) ||
          (y > 0 && differs(i, i - width)) ||
          (y < height - 1 && differs(i, i + width))
        if (!edge) continue
        for (let k = 0; k < 2; k++) {
          this.aim(x + (k === 0 ? 0.3 : -0.3), y + (k === 0 ? -0.35 : 0.35))
          const hit = tracer.nearestInTile(this.tiles, this.tileOf(x, y))
          if (hit < 0) continue
          const key = this.keyOf(hit)
          this.shadows.gather(x, y, key)
          this.bounce?.gather(x, y, key)
          this.shade(hit, true)
          // Running mean: the k-th sample beside the pixel's own weighs 1/(k + 2).
          for (let c = 0; c < 3; c++) radiance[3 * i + c] += (colour[c] - radiance[3 * i + c]) / (k + 2)
        }
      }
  }

  /** Radiance of the current ray's hit on `solid`, into `colour`. `direct`: seen by the camera, not in a mirror. */
  private shade(solid: number, direct: boolean): void {
    const { at, texel, colour, shadows, scene } = this
    const { ray } = scene.tracer
    const dx = ray[3]
    const dy = ray[4]
    const dz = ray[5]
    const { tracer, sun } = scene
    const { lamps, lampCount, here } = shadows
    locate(tracer, solid, at)
    const m = scene.materials[at.material]
    const length = Math.sqrt(dx * dx + dy * dy + dz * dz)
    const vx = -dx / length
    const vy = -dy / length
    const vz = -dz / length
    let cosine = at.nx * vx + at.ny * vy + at.nz * vz
    const footprint = (ray[6] * length) / this.view.intrinsics.fx / Math.max(cosine, 0.15)
    at.footprint = footprint
    if (m.distant) {
      // A view that moves with the eye: direction in the plane, and slope, which is 0 at the horizon.
      const flat = Math.sqrt(dx * dx + dy * dy) + 1e-9
      at.u = 2 * Math.atan2(dy, dx)
      at.t = (1.8 * dz) / flat
    }
    sampleTexture(m, at, solid % 97, texel)
    let { nx, ny, nz } = at
    if (m.bump > 0 && footprint < m.bumpScale) {
      this.bump(m.bump * (1 - footprint / m.bumpScale), m.bumpScale, m.seed)
      nx = this.bumpTexel[0]
      ny = this.bumpTexel[1]
      nz = this.bumpTexel[2]
      cosine = Math.max(nx * vx + ny * vy + nz * vz, 0.05)
    }
    const open = direct ? 0.25 + 0.75 * here[here.length - 1] : 0.8
    const up = 0.5 + 0.5 * nz
    const { ambient, ambientDown } = scene
    let er = open * (ambientDown[0] + (ambient[0] - ambientDown[0]) * up)
    let eg = open * (ambientDown[1] + (ambient[1] - ambientDown[1]) * up)
    let eb = open * (ambientDown[2] + (ambient[2] - ambientDown[2]) * up)
    if (this.bounce !== null && direct) {
      er = AMBIENT_LEFT * er + this.bounce.here[0]
      eg = AMBIENT_LEFT * eg + this.bounce.here[1]
      eb = AMBIENT_LEFT * eb + this.bounce.here[2]
    }
    let sr = 0
    let sg = 0
    let sb = 0
    for (let l = 0; l < lampCount; l++) {
      const o = LAMP * l
      const visible = direct ? here[l] : 0.7
      if (visible < 0.01) continue
      let lx = lamps[o + 0] - at.x
      let ly = lamps[o + 1] - at.y
      let lz = lamps[o + 2] - at.z
      const d2 = lx * lx + ly * ly + lz * lz
      const k = 1 / Math.sqrt(d2 + 1e-6)
      lx *= k
      ly *= k
      lz *= k
      // Lambert, softened as an area light wraps a little round the horizon.
      let f = (lx * nx + ly * ny + lz * nz + 0.08) / 1.08
      if (f <= 0) continue
      // A flat lamp shines by the cosine to its normal; one without a normal has zeros here.
      if (lamps[o + 15] !== 0) {
        const emit = -(lx * lamps[o + 9] + ly * lamps[o + 10] + lz * lamps[o + 11])
        if (emit <= 0) continue
        f *= emit
      }
      f *= visible / (d2 + 0.15)
      er += f * lamps[o + 12]
      eg += f * lamps[o + 13]
      eb += f * lamps[o + 14]
      if (m.gloss > 0) {
        const hx = lx + vx
        const hy = ly + vy
        const hz = lz + vz
        let c = (hx * nx + hy * ny + hz * nz) / Math.sqrt(hx * hx + hy * hy + hz * hz + 1e-12)
        if (c > 0.7) {
          c *= c
          c *= c
          c *= c
          c *= c
          c *= c
          const g = (c * m.gloss * visible) / (d2 + 0.3)
          sr += g * lamps[o + 12]
          sg += g * lamps[o + 13]
          sb += g * lamps[o + 14]
        }
      }
    }
    if (sun !== null && direct) {
      const f = here[lampCount] * Math.max(sun.direction[0] * nx + sun.direction[1] * ny + sun.direction[2] * nz, 0)
      er += f * sun.colour[0]
      eg += f * sun.colour[1]
      eb += f * sun.colour[2]
    }
    const glow = m.emission
    const keep = glow > 0 ? 0.2 : 1
    let r = texel[0] * (keep * er + glow) + sr
    let g = texel[1] * (keep * eg + glow) + sg
    let b = texel[2] * (keep * eb + glow) + sb
    if (m.mirror > 0 && direct) {
      // Schlick's Fresnel term.
      const c = 1 - Math.min(cosine, 1)
      const share = m.mirror + (1 - m.mirror) * 0.5 * c * c * c * c * c
      if (share > 0.02) {
        const twice = 2 * (dx * nx + dy * ny + dz * nz)
        ray[0] = at.x + 1e-3 * at.nx
        ray[1] = at.y + 1e-3 * at.ny
        ray[2] = at.z + 1e-3 * at.nz
        ray[3] = dx - twice * nx
        ray[4] = dy - twice * ny
        ray[5] = dz - twice * nz
        const hit = tracer.nearest()
        if (hit >= 0) {
          this.shade(hit, false)
          r = r * (1 - share) + colour[0] * share
          g = g * (1 - share) + colour[1] * share
          b = b * (1 - share) + colour[2] * share
        }
      }
    }
    colour[0] = r
    colour[1] = g
    colour[2] = b
  }

  /** A normal tilted by the slope of a noise field over the surface, into `bumpTexel`. */
  private bump(strength: number, scale: number, seed: number): void {
    const { at, bumpTexel } = this
    const x = at.u / scale
    const y = at.v / (1.6 * scale)
    const h = wrinkle(x, y, seed)
    const gu = strength * (wrinkle(x + 0.05, y, seed) - h) * 20
    const gv = strength * (wrinkle(x, y + 0.05, seed) - h) * 20
    // Tangents: horizontal, and along the fall line.
    const flat = Math.sqrt(at.nx * at.nx + at.ny * at.ny)
    const tx = flat > 1e-3 ? -at.ny / flat : 1
    const ty = flat > 1e-3 ? at.nx / flat : 0
    const bx = -at.nz * ty
    const by = at.nz * tx
    const bz = at.nx * ty - at.ny * tx
    const nx = at.nx - gu * tx - gv * bx
    const ny = at.ny - gu * ty - gv * by
    const nz = at.nz - gv * bz
    const k = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz)
    bumpTexel[0] = nx * k
    bumpTexel[1] = ny * k
    bumpTexel[2] = nz * k
  }
}

/** Height of wrinkled cloth: folds bent by a coarser noise. */
function wrinkle(x: number, y: number, seed: number): number {
  const bend = noise2(0.7 * x, 0.7 * y, seed + 21)
  return noise2(x + bend, y - 0.5 * bend, seed + 20) + 0.3 * noise2(2.7 * x - bend, 2.7 * y, seed + 22)
}
