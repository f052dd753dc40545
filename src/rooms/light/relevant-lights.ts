/** Which of a home's lights a picture needs: those that brighten what it shows. The time of a picture grows with their number. */
import type { Light } from '../builder.ts'
import type { Scene } from '../scene.ts'
import { aimThrough, type Viewpoint } from '../solids/camera.ts'
import { locate, Surface } from '../solids/surface.ts'

const COLUMNS = 12
const ROWS = 9

/** Light at which a point counts as half lit. */
const ENOUGH = 0.15

/**
 * At most `most` lights of the scene. One is taken after the other: each time the one that adds most to
 *
 *     Σ over points of the picture: e / (e + ENOUGH)
 *
 * where e is the light that a point gets without shadows finer than one ray. So a dark room behind a door counts more than
 * a second lamp beside the first.
 */
export function relevantLights(
  scene: Scene,
  view: Viewpoint,
  { width, height, most }: { readonly width: number; readonly height: number; readonly most: number },
): Light[] {
  const { lights } = scene
  if (lights.length <= most) return [...lights]
  const points = COLUMNS * ROWS
  const reaching = new Float64Array(lights.length * points)
  const at = new Surface()
  const { ray } = scene.tracer
  for (let p = 0; p < points; p++) {
    const [i, j] = [p % COLUMNS, Math.floor(p / COLUMNS)]
    aimThrough(ray, view, ((i + 0.5) * width) / COLUMNS, ((j + 0.5) * height) / ROWS)
    const hit = scene.tracer.nearest()
    if (hit < 0) continue
    locate(scene.tracer, hit, at)
    const { x, y, z, nx, ny, nz } = at
    ray[0] = x + 1e-3 * nx
    ray[1] = y + 1e-3 * ny
    ray[2] = z + 1e-3 * nz
    lights.forEach(({ centre, normal, colour }, l) => {
      const [dx, dy, dz] = [centre[0] - ray[0], centre[1] - ray[1], centre[2] - ray[2]]
      const d2 = dx * dx + dy * dy + dz * dz
      const facing = (dx * nx + dy * ny + dz * nz) / Math.sqrt(d2 + 1e-6)
      const emitted = normal === null ? 1 : -(dx * normal[0] + dy * normal[1] + dz * normal[2]) / Math.sqrt(d2 + 1e-6)
      if (facing <= 0 || emitted <= 0) return
      ray[3] = dx
      ray[4] = dy
      ray[5] = dz
      if (scene.tracer.blocker(0.999) >= 0) return
      reaching[l * points + p] = (colour[1] * facing * emitted) / (d2 + 0.15)
    })
  }
  const sum = new Float64Array(points)
  const chosen = new Set<number>()
  while (chosen.size < most) {
    let best = -1
    let bestGain = -1
    for (let l = 0; l < lights.length; l++) {
      if (chosen.has(l)) continue
      let gain = 0
      for (let p = 0; p < points; p++) {
        const e = sum[p] + reaching[l * points + p]
        gain += e / (e + ENOUGH) - sum[p] / (sum[p] + ENOUGH)
      }
      if (gain > bestGain) {
        best = l
        bestGain = gain
      }
    }
    chosen.add(best)
    for (let p = 0; p < points; p++) sum[p] += reaching[best * points + p]
  }
  return lights.filter((_, l) => chosen.has(l))
}
