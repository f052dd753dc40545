/**
 * The colour of a material at a point of its surface. Coordinates are metres on the surface (u right, v up). The
 * position in [−1, 1]² on its face (s, t) is for things painted once, such as a picture. Detail finer than a pixel's
 * footprint is faded out, which avoids moiré without extra samples.
 */

import { sampleImage } from '../solids/image.ts'
import type { Surface } from '../solids/surface.ts'
import { type Material, Pattern } from './materials.ts'
import { cloud2, hash2, noise2 } from './noise.ts'

/** Share of a line of half width `h` at distance `d` in a pixel of footprint `w`. */
function line(d: number, h: number, w: number): number {
  const cover = (h + w / 2 - d) / w
  return cover <= 0 ? 0 : Math.min(cover, 1) * Math.min(1, (2 * h) / w)
}

/** 1 where a pattern of this period is resolved by the footprint, 0 where it is not. */
function keep(period: number, footprint: number): number {
  const k = 2 - (3 * footprint) / period
  return k < 0 ? 0 : k > 1 ? 1 : k
}

/** Position within a period, and distance to the nearest period border. */
function border(x: number): number {
  const f = x - Math.floor(x)
  return f < 0.5 ? f : 1 - f
}

/**
 * Writes linear RGB into `out[0..2]`.
 * `salt` varies otherwise equal solids.
 */
export function sampleTexture(m: Material, at: Surface, salt: number, out: Float64Array): void {
  const { u, v, s, t, footprint } = at
  const seed = m.seed
  let base: ArrayLike<number> = m.base
  let over: ArrayLike<number> = m.second
  let blend = 0
  let shade = 1
  switch (m.pattern) {
    case Pattern.plain:
      // Uneven paint and wear, barely seen.
      shade = 0.94 + 0.12 * noise2(u / m.scale + salt, v / m.scale, seed)
      break
    case Pattern.planks: {
      const row = Math.floor(v / m.scale)
      const along = u / m.scale2 + hash2(row, 7, seed)
      const plank = Math.floor(along)
      const fine = keep(m.scale * 0.2, footprint)
      blend = 0.8 * hash2(plank, row, seed)
      if (fine > 0) blend += fine * 0.5 * (cloud2(u * 3 + 17 * plank, v / (m.scale * 0.12), seed + row) - 0.5)
      const gap = Math.max(
        line(border(v / m.scale) * m.scale, 0.0025, footprint),
        line(border(along) * m.scale2, 0.002, footprint),
      )
      blendInto(out, base, over, blend, 0.92 + 0.16 * hash2(plank, row, seed + 3))
      mixInto(out, m.third, gap)
      return
    }
    case Pattern.tiles: {
      const row = Math.floor(v / m.scale2)
      const column = Math.floor(u / m.scale)
      const grout = Math.max(
        line(border(v / m.scale2) * m.scale2, 0.003, footprint),
        line(border(u / m.scale) * m.scale, 0.003, footprint),
      )
      // One design in three is a chequerboard, the others vary at random.
      const design = (seed >>> 8) % 3
      blend =
        design === 0 ? (row + column) & 1 : design === 1 ? hash2(column, row, seed) : 0.3 * hash2(column, row, seed)
      shade = 0.93 + 0.14 * noise2(u * 9 + column * 5, v * 9, seed)
      blendInto(out, base, over, blend * keep(m.scale, footprint * 0.6), shade)
      mixInto(out, m.third, grout)
      return
    }
    case Pattern.carpet: {
      const fine = keep(m.scale * 2, footprint)
      blend = 0.5 + 0.5 * (cloud2(u / (m.scale * 12) + salt, v / (m.scale * 12), seed) - 0.5)
      if (fine > 0) blend += fine * (noise2(u / m.scale, v / m.scale, seed + 5) - 0.5)
      break
    }
    case Pattern.stripes: {
      const x = u / m.scale
      const column = Math.floor(x)
      const f = x - column
      const width = 0.25 + 0.5 * hash2(0, 1, seed)
      blend = line(Math.abs(f - 0.5), width / 2, footprint / m.scale)
      if (hash2(1, 1, seed) < 0.4) {
        const thin = line(Math.abs(border(x + 0.5) - 0.04), 0.02, footprint / m.scale)
        blendInto(out, base, over, blend, 1)
        mixInto(out, m.third, thin)
        return
      }
      shade = 0.95 + 0.1 * noise2(u * 4, v * 4, seed)
      break
    }
    case Pattern.brick: {
      const height = m.scale * 0.3
      const row = Math.floor(v / height)
      const x = u / m.scale + (row & 1) * 0.5
      const column = Math.floor(x)
      const mortar = Math.max(
        line(border(v / height) * height, 0.005, footprint),
        line(border(x) * m.scale, 0.005, footprint),
      )
      blend = hash2(column, row, seed) * 0.9
      shade = 0.85 + 0.3 * noise2(u * 40, v * 40, seed) * keep(0.05, footprint)
      blendInto(out, base, over, blend, shade)
      mixInto(out, m.third, mortar)
      return
    }
    case Pattern.grain: {
      const bend = 0.03 * noise2(u * 2 + salt, v * 6, seed + 2)
      const rings = noise2(u * 1.2 + salt, (v + bend) / m.scale, seed)
      blend = rings * 0.9
      const fine = keep(m.scale * 0.3, footprint)
      if (fine > 0) blend += fine * 0.35 * (noise2(u * 6, (v + bend) / (m.scale * 0.15), seed + 9) - 0.5)
      shade = 0.92 + 0.16 * hash2(salt | 0, 3, seed)
      break
    }
    case Pattern.plaid: {
      const w = footprint / m.scale
      const a = line(Math.abs(border(u / m.scale) - 0.3), 0.12, w)
      const b = line(Math.abs(border(v / m.scale) - 0.3), 0.12, w)
      blendInto(out, base, over, 0.5 * (a + b), 1)
      const thin = Math.max(line(border(u / m.scale), 0.02, w), line(border(v / m.scale), 0.02, w))
      mixInto(out, m.third, 0.8 * thin)
      return
    }
    case Pattern.motif: {
      const x = u / m.scale
      const y = v / m.scale
      const row = Math.floor(y)
      const column = Math.floor(x + (row & 1) * 0.5)
      const fx = x + (row & 1) * 0.5 - column - 0.5
      const fy = y - row - 0.5
      const w = Math.max(footprint / m.scale, 0.02)
      // Flower, ring, diamond or cross, the same all over the surface.
      const kind = (seed >>> 4) & 3
      const r2 = fx * fx + fy * fy
      const r = Math.sqrt(r2)
      let inside = 0
      if (kind === 0) inside = line(r, 0.2 + (0.16 * Math.abs(fx * fx - fy * fy)) / (r2 + 0.01), w)
      else if (kind === 1) inside = line(Math.abs(r - 0.25), 0.07, w)
      else if (kind === 2) inside = line(Math.abs(fx) + Math.abs(fy), 0.3, w)
      else
        inside = Math.max(
          line(Math.abs(fx), 0.06, w) * line(Math.abs(fy), 0.3, w),
          line(Math.abs(fy), 0.06, w) * line(Math.abs(fx), 0.3, w),
        )
      blend = inside * (0.6 + 0.4 * hash2(column, row, seed))
      break
    }
    case Pattern.picture:
      picture(m, s, t, footprint, out)
      return
    case Pattern.books: {
      // Spines: widths of 2 to 5 cm found by a jittered lattice.
      const cell = 0.035
      const x = u / cell + salt * 3.7
      let k = Math.floor(x)
      if (x - k < 0.4 * hash2(k, 5, seed)) k--
      const hue = hash2(k, 1, seed)
      const top = 0.45 + 0.5 * hash2(k, 2, seed)
      const bright = 0.1 + 0.9 * hash2(k, 3, seed)
      const edge = x - Math.floor(x) - 0.4 * hash2(Math.floor(x), 5, seed)
      if (t > top) shade = 0.06
      else {
        shade = bright * (0.55 + 0.45 * Math.min(1, Math.abs(edge) * 5))
        const label = hash2(k, 4, seed)
        if (label < 0.6 && Math.abs(t - (label - 0.3)) < 0.18) shade = shade > 0.4 ? 0.15 : 0.8
      }
      out[0] = shade * (0.25 + 0.75 * Math.abs(((hue * 6 + 0) % 6) / 3 - 1))
      out[1] = shade * (0.25 + 0.75 * Math.abs(((hue * 6 + 2) % 6) / 3 - 1))
      out[2] = shade * (0.25 + 0.75 * Math.abs(((hue * 6 + 4) % 6) / 3 - 1))
      return
    }
    case Pattern.outside:
      outside(m, u, t, out)
      return
    case Pattern.speckle: {
      const fine = keep(m.scale * 1.5, footprint)
      const n = fine > 0 ? noise2(u / m.scale, v / m.scale, seed) : 0.5
      blend = 0.3 * cloud2(u * 4 + salt, v * 4, seed + 1)
      blendInto(out, base, over, blend, 1)
      if (n > 0.62) mixInto(out, m.third, fine * Math.min((n - 0.62) * 6, 0.8))
      else if (n < 0.33) mixInto(out, over, fine * Math.min((0.33 - n) * 6, 0.8))
      return
    }
    case Pattern.paper: {
      const lines = 14 + 20 * hash2(1, 2, seed)
      const y = (t * 0.5 + 0.5) * lines
      const row = Math.floor(y)
      const ink = Math.abs(s) < 0.85 && Math.abs(t) < 0.9 && s < 0.9 * hash2(row, 1, seed + salt) + 0.3
      const word = hash2(Math.floor(s * 18), row, seed + salt) > 0.25
      if (ink && word) blend = line(Math.abs(y - row - 0.5), 0.22, footprint * lines * 4)
      if (hash2(salt, 9, seed) < 0.4 && t > 0.45 && t < 0.85 && Math.abs(s) < 0.8) {
        base = m.third
        blend = 0
      }
      break
    }
    case Pattern.screen: {
      // Off (nearly black) or showing some windows.
      const cx = Math.floor(s * 2.3 + 7 * hash2(1, 1, seed))
      const cy = Math.floor(t * 1.9 + 7 * hash2(2, 1, seed))
      blend = hash2(cx, cy, seed)
      if (border(t * 9) < 0.2 && hash2(Math.floor(s * 12), Math.floor(t * 9), seed) > 0.5) shade = 0.3
      break
    }
    case Pattern.panels: {
      // Doors of cupboards: a groove round each, an inset field in some designs, a knob or a bar.
      const x = u / m.scale
      const y = v / m.scale2
      const fx = border(x) * m.scale
      const fy = border(y) * m.scale2
      const groove = Math.max(line(fx, 0.003, footprint), line(fy, 0.003, footprint))
      const inset = (seed >>> 6) & 1 ? line(Math.abs(Math.min(fx, fy) - 0.06), 0.008, footprint) : 0
      blendInto(out, base, over, inset * 0.7, 0.96 + 0.08 * cloud2(u * 2, v * 2, seed))
      const px = x - Math.floor(x)
      const py = y - Math.floor(y)
      const knob =
        (seed >>> 7) & 1
          ? Math.abs(px - 0.86) < 0.03 && Math.abs(py - 0.5) < 0.12
          : Math.abs(px - 0.5) < 0.16 && Math.abs(py - 0.88) < 0.02
      if (knob) mixInto(out, m.third, 0.9)
      out[0] *= 1 - 0.8 * groove
      out[1] *= 1 - 0.8 * groove
      out[2] *= 1 - 0.8 * groove
      return
    }
    case Pattern.blotches: {
      const n = cloud2(u / m.scale + salt, v / m.scale, seed)
      const edge = 4 + 20 * keep(m.scale, footprint)
      blend = clamp01((n - 0.5) * edge + 0.5)
      blendInto(out, base, over, blend, 1)
      const n2 = cloud2(u / m.scale + 31, v / m.scale + salt, seed + 11)
      mixInto(out, m.third, clamp01((n2 - 0.6) * edge))
      return
    }
    case Pattern.ribs: {
      const f = u / m.scale - Math.floor(u / m.scale)
      const k = keep(m.scale, footprint)
      shade = 1 - k * 0.35 * Math.abs(f - 0.5)
      blend = line(border(u / m.scale) * m.scale, 0.006, footprint) + 0.25 * noise2(u * 3 + salt, v * 1.5, seed)
      break
    }
    case Pattern.image: {
      if (m.image === null) break
      sampleImage(m.image, at.imageS, at.imageT, (footprint / at.imageScale) * m.image.width, out)
      out[0] *= base[0]
      out[1] *= base[1]
      out[2] *= base[2]
      return
    }
    case Pattern.rug: {
      const e = Math.max(Math.abs(s), Math.abs(t))
      const ring = Math.floor(e * 7 + 3 * hash2(0, 3, seed))
      const mot = hash2(Math.floor(Math.abs(s) * 9), Math.floor(Math.abs(t) * 9), seed)
      blend = hash2(ring, 1, seed) > 0.5 ? 1 : 0
      if (mot > 0.7 && e < 0.75) base = over = m.third
      shade = 0.85 + 0.3 * noise2(u / 0.015, v / 0.015, seed) * keep(0.03, footprint)
      break
    }
  }
  blendInto(out, base, over, blend, shade)
}

function clamp01(x: number): number {
  return x < 0 ? 0 : x > 1 ? 1 : x
}

function blendInto(out: Float64Array, a: ArrayLike<number>, b: ArrayLike<number>, t: number, shade: number): void {
  const k = clamp01(t)
  out[0] = (a[0] + (b[0] - a[0]) * k) * shade
  out[1] = (a[1] + (b[1] - a[1]) * k) * shade
  out[2] = (a[2] + (b[2] - a[2]) * k) * shade
}

function mixInto(out: Float64Array, c: ArrayLike<number>, t: number): void {
  out[0] += (c[0] - out[0]) * t
  out[1] += (c[1] - out[1]) * t
  out[2] += (c[2] - out[2]) * t
}

/** A framed picture or poster: blocks of colour, a landscape, a big shape on a ground, or lines of text. */
function picture(m: Material, s: number, t: number, footprint: number, out: Float64Array): void {
  const seed = m.seed
  const kind = (seed >>> 3) % 5
  const x = s * 0.5 + 0.5
  const y = t * 0.5 + 0.5
  if (kind === 0) {
    // Blocks by repeated halving.
    let x0 = 0
    let x1 = 1
    let y0 = 0
    let y1 = 1
    let id = 1
    for (let depth = 0; depth < 4; depth++) {
      const cut = 0.3 + 0.4 * hash2(id, depth, seed)
      if (hash2(id, 9, seed) < 0.5) {
        const at = x0 + (x1 - x0) * cut
        if (x < at) x1 = at
        else x0 = at
        id = 2 * id + (x < at ? 0 : 1)
      } else {
        const at = y0 + (y1 - y0) * cut
        if (y < at) y1 = at
        else y0 = at
        id = 2 * id + (y < at ? 0 : 1)
      }
    }
    blendInto(out, m.base, m.second, hash2(id, 1, seed), 0.4 + hash2(id, 3, seed))
    if (hash2(id, 2, seed) > 0.7) mixInto(out, m.third, 0.9)
  } else if (kind === 1) {
    const horizon = 0.3 + 0.3 * hash2(1, 1, seed) + 0.2 * noise2(x * 4, 1, seed)
    blendInto(out, m.second, m.base, y, 0.7 + 0.6 * cloud2(x * 5, y * 5, seed))
    if (y < horizon) blendInto(out, m.third, m.second, 0.4 * cloud2(x * 9, y * 20, seed), 0.5 + 0.5 * y)
  } else if (kind === 2) {
    const dx = x - 0.35 - 0.3 * hash2(1, 1, seed)
    const dy = y - 0.35 - 0.3 * hash2(2, 1, seed)
    const r = Math.sqrt(dx * dx + dy * dy) + 0.12 * (cloud2(x * 5, y * 5, seed) - 0.5)
    blendInto(out, m.base, m.third, clamp01((r - 0.32) * 30), 0.8 + 0.4 * noise2(x * 6, y * 6, seed))
    if (r < 0.16) mixInto(out, m.second, 0.85)
  } else if (kind === 3) {
    const rows = 12
    const row = Math.floor(y * rows)
    blendInto(out, m.base, m.third, 0, 1)
    const title = y > 0.78 && y < 0.92
    const image = y > 0.42 && y < 0.72 && x > 0.1 && x < 0.9
    if (image) blendInto(out, m.second, m.third, cloud2(x * 6, y * 6, seed), 0.9)
    else if (x > 0.1 && x < 0.6 + 0.3 * hash2(row, 1, seed) && (title || (y < 0.38 && y > 0.06))) {
      const f = title ? border(x * 12) > 0.12 : border(y * 24) > 0.2 && hash2(Math.floor(x * 30), row, seed) > 0.2
      if (f) mixInto(out, m.second, footprint > 0.02 ? 0.4 : 0.9)
    }
  } else {
    const n = cloud2(x * 4, y * 4, seed)
    const q = noise2(x * 7 + 3 * n, y * 7, seed + 4)
    blendInto(out, m.base, m.second, clamp01((n - 0.4) * 8), 0.8 + 0.4 * q)
    mixInto(out, m.third, clamp01((q - 0.6) * 10))
  }
}

/** What is seen through a window: sky over a skyline of houses or trees. The depth there is the pane's. */
function outside(m: Material, u: number, t: number, out: Float64Array): void {
  const seed = m.seed
  const skyline =
    -0.2 +
    0.9 * (hash2(2, 2, seed) - 0.4) +
    0.5 * (noise2(u * 2.5, 0.5, seed) - 0.5) +
    0.25 * (noise2(u * 11, 3, seed) - 0.5)
  if (t > skyline) {
    const haze = cloud2(u * 1.5, t * 2, seed + 3)
    blendInto(out, m.base, m.second, clamp01(0.5 + 0.5 * t), 0.8 + 0.4 * haze)
    return
  }
  const house = hash2(Math.floor(u * 1.7), 1, seed) > 0.6
  if (house) {
    const pane = border(u * 4) > 0.25 && border(t * 3) > 0.25
    blendInto(out, m.third, m.base, pane ? 0.1 : 0.45, pane ? 0.3 : 0.6)
  } else blendInto(out, m.third, m.base, 0, 0.25 + 0.75 * cloud2(u * 8, t * 6, seed + 8))
}
