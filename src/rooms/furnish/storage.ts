/** Storage: shelves with books, cupboards, kitchen units, bathroom fittings, boxes. Frames as in `seats.ts`. */
import type { SceneBuilder } from '../builder.ts'
import { anyColour, hsv, type Material, material, Pattern } from '../materials/materials.ts'
import type { Pose } from '../solids/primitives.ts'
import { screenMaterial } from './seats.ts'

function booksMaterial(s: SceneBuilder): number {
  return s.add(material(s.random, { pattern: Pattern.books, base: [0.5, 0.5, 0.5] }))
}

/** A run of books from `x0` to `x1`, standing at depth `y` on height `z`. */
export function bookRow(
  s: SceneBuilder,
  f: Pose,
  x0: number,
  x1: number,
  y: number,
  z: number,
  room: number,
  m: number,
): void {
  const { random } = s
  let x = x0
  while (x < x1 - 0.05) {
    if (random.chance(0.15)) {
      x += random.uniform(0.03, 0.25)
      continue
    }
    const w = Math.min(random.uniform(0.05, 0.3), x1 - x)
    const h = Math.min(random.uniform(0.17, 0.32), room - 0.02)
    const d = random.uniform(0.13, 0.22)
    s.box(f, [x + w / 2, y - d / 2, z + h / 2], [w, d, h], m, {
      roll: random.chance(0.1) ? random.uniform(-0.2, 0.2) : 0,
    })
    x += w + 0.002
  }
}

export function shelf(s: SceneBuilder, f: Pose, w: number, d: number, h: number): void {
  const { random, style } = s
  const wood = random.pick([style.wood, style.wood2, style.white, style.paint, style.dark])
  const t = 0.02
  for (const x of [-1, 1]) s.box(f, [x * (w / 2 - t / 2), d / 2, h / 2], [t, d, h], wood)
  if (random.chance(0.75)) s.box(f, [0, 0.006, h / 2], [w, 0.01, h], wood)
  const levels = Math.max(1, Math.round(h / random.uniform(0.3, 0.42)))
  const books = booksMaterial(s)
  for (let i = 0; i <= levels; i++) {
    const z = 0.04 + (i * (h - 0.06)) / levels
    s.box(f, [0, d / 2, z], [w - 2 * t, d, t], wood)
    if (i === levels) break
    const room = (h - 0.06) / levels - t
    const kind = random.uniform()
    if (kind < 0.6)
      bookRow(
        s,
        f,
        -w / 2 + t,
        w / 2 - t - random.uniform(0, 0.4) * w,
        d - random.uniform(0.01, 0.06),
        z + t / 2,
        room,
        books,
      )
    else if (kind < 0.85) s.support(f.at(0, d / 2, z + t / 2), w - 0.1, d - 0.06, 22, room)
    else s.box(f, [0, d / 2, z + room / 2], [w - 2.5 * t, d - 0.02, room], style.front)
  }
  s.support(f.at(0, d / 2, h), w, d, 8)
  s.sight(f, 0, d / 2, h / 2)
}

/** A closed cupboard, wardrobe, chest of drawers or fridge. */
export function cupboard(s: SceneBuilder, f: Pose, w: number, d: number, h: number): void {
  const { random, style } = s
  const body = random.pick([style.wood, style.wood2, style.white, style.paint])
  const front = random.chance(0.6) ? style.front : frontMaterial(s, w, h)
  const foot = random.uniform(0, 0.12)
  s.box(f, [0, d / 2, (h + foot) / 2], [w, d - 0.02, h - foot], body)
  s.box(f, [0, d - 0.005, (h + foot) / 2], [w - 0.03, 0.02, h - foot - 0.04], front)
  if (foot > 0.03)
    for (const x of [-1, 1])
      for (const y of [0.04, d - 0.05]) s.box(f, [x * (w / 2 - 0.04), y, foot / 2], [0.05, 0.05, foot], body)
  if (random.chance(0.4)) s.box(f, [0, d / 2, h + 0.012], [w + 0.03, d + 0.02, 0.025], random.pick([body, style.top]))
  s.support(f.at(0, d / 2, h + 0.025), w, d, h > 1.4 ? 3 : 8)
  s.sight(f, 0, d / 2, Math.min(h, 1.2))
}

function frontMaterial(s: SceneBuilder, w: number, h: number): number {
  const { random } = s
  const base = anyColour(random)
  const columns = Math.max(1, Math.round(w / random.uniform(0.35, 0.7)))
  const rows = Math.max(1, Math.round(h / random.uniform(0.2, 1.2)))
  return s.add(
    material(random, {
      pattern: Pattern.panels,
      base,
      second: [base[0] * 0.7, base[1] * 0.7, base[2] * 0.7],
      third: hsv(0.1, 0.1, random.uniform(0.1, 0.8)),
      scale: w / columns,
      scale2: h / rows,
      gloss: random.uniform(0, 0.4),
    }),
  )
}

export function tvStand(s: SceneBuilder, f: Pose, w: number, d: number): void {
  const { random, style } = s
  const h = random.uniform(0.35, 0.6)
  cupboard(s, f, w, d, h)
  const tw = Math.min(random.uniform(0.7, 1.4), w)
  const th = tw * 0.57
  const z = random.chance(0.7) ? h + 0.08 : h + 0.4
  s.box(f, [0, d / 2 - 0.05, z + th / 2], [tw, 0.05, th], style.dark)
  s.sheet(f, [0, d / 2 - 0.024, z + th / 2], tw * 0.97, th * 0.95, s.add(screenMaterial(s)), { castsShadow: false })
  s.box(f, [0, d / 2 - 0.05, h + 0.05], [tw * 0.4, 0.14, 0.03], style.dark)
}

/** Base units with a worktop, sink or hob, and cupboards above. */
export function kitchenRun(s: SceneBuilder, f: Pose, w: number, d: number): void {
  const { random, style } = s
  const h = random.uniform(0.85, 0.95)
  s.box(f, [0, d / 2 - 0.03, 0.05], [w, d - 0.1, 0.1], style.dark)
  s.box(f, [0, d / 2 - 0.01, (h + 0.1) / 2], [w, d - 0.04, h - 0.14], style.front)
  s.box(f, [0, d / 2, h - 0.02], [w, d, 0.04], style.top)
  if (random.chance(0.6)) s.sheet(f, [0, 0.006, h + 0.28], w, 0.56, s.add(backsplash(s)))
  const x = random.uniform(-0.3, 0.3) * w
  if (random.chance(0.6)) {
    // A sink reads as a dark steel inset with a tap.
    s.slab(f, [x, d / 2 + 0.02, h + 0.001], 0.5, 0.38, style.metal)
    s.slab(f, [x, d / 2 + 0.02, h + 0.002], 0.42, 0.3, style.dark)
    s.post(f, [x, 0.09, h], 0.016, 0.24, style.metal)
    s.limb(f, [x, 0.09, h + 0.24], [x, 0.27, h + 0.2], 0.012, 1, style.metal)
  } else {
    s.slab(f, [x, d / 2, h + 0.002], 0.56, 0.48, style.dark)
    for (const [px, py] of [
      [-0.14, 0.12],
      [0.14, 0.12],
      [-0.14, -0.12],
      [0.14, -0.12],
    ])
      s.post(f, [x + px, d / 2 + py, h], 0.08, 0.008, style.metal)
    if (random.chance(0.6))
      s.post(
        f,
        [x - 0.14, d / 2 - 0.12, h + 0.008],
        random.uniform(0.08, 0.12),
        random.uniform(0.08, 0.2),
        s.anyPaint(),
      )
  }
  if (random.chance(0.7)) {
    const z = random.uniform(1.4, 1.55)
    const top = random.uniform(0.5, 0.8)
    const cut = random.uniform(0.4, 1) * w
    s.box(f, [(cut - w) / 2, 0.17, z + top / 2], [cut, 0.34, top], style.front)
  } else {
    for (const z of [1.4, 1.75]) {
      s.box(f, [0, 0.13, z], [w * 0.8, 0.24, 0.025], style.wood)
      s.support(f.at(0, 0.13, z + 0.0125), w * 0.75, 0.2, 22, 0.3)
    }
  }
  s.support(f.at(0, d / 2, h), w, d, 7, 0.45)
  s.sight(f, 0, d / 2, h)
}

function backsplash(s: SceneBuilder): Material {
  const { random } = s
  const base = anyColour(random)
  const scale = random.uniform(0.05, 0.2)
  return material(random, {
    pattern: Pattern.tiles,
    base,
    second: anyColour(random),
    third: hsv(0, 0, random.uniform(0.4, 0.9)),
    scale,
    scale2: scale * random.uniform(0.5, 1),
    gloss: 0.6,
    mirror: 0.04,
  })
}

export function washstand(s: SceneBuilder, f: Pose, w: number): void {
  const { random, style } = s
  const h = random.uniform(0.78, 0.9)
  s.box(f, [0, 0.23, h / 2], [w, 0.44, h - 0.1], style.front)
  s.box(f, [0, 0.24, h - 0.03], [w + 0.03, 0.48, 0.06], style.white)
  s.ball(f, [0, 0.26, h + 0.02], [0.24, 0.18, 0.07], style.white)
  s.ball(f, [0, 0.26, h + 0.085], [0.18, 0.13, 0.012], style.metal)
  s.post(f, [0, 0.06, h], 0.014, 0.18, style.metal)
  s.limb(f, [0, 0.06, h + 0.18], [0, 0.19, h + 0.15], 0.011, 1, style.metal)
  s.support(f.at(0, 0.24, h), w, 0.4, 8)
  s.sight(f, 0, 0.2, h)
}

export function toilet(s: SceneBuilder, f: Pose): void {
  const { style } = s
  s.box(f, [0, 0.1, 0.55], [0.38, 0.18, 0.42], style.white)
  s.post(f, [0, 0.4, 0], 0.15, 0.36, style.white, { taper: 1.2 })
  s.ball(f, [0, 0.42, 0.38], [0.19, 0.25, 0.05], style.white)
  s.ball(f, [0, 0.2, 0.62], [0.19, 0.04, 0.24], style.white, { pitch: 0.15 })
  s.sight(f, 0, 0.3, 0.4)
}

export function bathtub(s: SceneBuilder, f: Pose, w: number): void {
  const { style } = s
  const h = 0.56
  s.box(f, [0, 0.04, h / 2], [w, 0.08, h], style.white)
  s.box(f, [0, 0.7, h / 2], [w, 0.08, h], style.white)
  for (const x of [-1, 1]) s.box(f, [x * (w / 2 - 0.05), 0.37, h / 2], [0.1, 0.7, h], style.white)
  s.box(f, [0, 0.37, 0.1], [w - 0.1, 0.6, 0.1], style.white)
  s.sight(f, 0, 0.37, h)
}

/** Cardboard boxes, crates and suitcases, stacked askew. */
export function boxStack(s: SceneBuilder, f: Pose): void {
  const { random, style } = s
  let z = 0
  let w = random.uniform(0.25, 0.6)
  for (let i = random.integer(1, 4); i > 0; i--) {
    const h = random.uniform(0.12, 0.45)
    const d = w * random.uniform(0.6, 1)
    const card = s.matt(hsv(random.uniform(0.06, 0.11), random.uniform(0.3, 0.6), random.uniform(0.45, 0.8)))
    const m = random.chance(0.5) ? card : random.pick([style.paint, style.front, s.anyPaint()])
    const yaw = random.uniform(-0.4, 0.4)
    s.box(f, [0, 0.3, z + h / 2], [w, d, h], m, { yaw })
    if (random.chance(0.5)) s.slab(f.at(0, 0.3, z + h + 0.001, yaw), [0, 0, 0], 0.05, d, s.matt(hsv(0.1, 0.3, 0.85)))
    z += h + 0.002
    w *= random.uniform(0.6, 1)
  }
  s.support(f.at(0, 0.3, z), w * 0.9, w * 0.7, 6)
  s.sight(f, 0, 0.3, z / 2)
}
