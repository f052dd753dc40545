/**
 * Furniture for sitting, lying and working: tables, chairs, sofas, beds. The origin of a frame is the middle of the
 * piece's back edge, and y points away from the wall.
 */
import type { SceneBuilder } from '../builder.ts'
import { anyColour, hsv, type Material, material, Pattern } from '../materials/materials.ts'
import type { Pose } from '../solids/primitives.ts'

/** A rectangular table with four legs, or a round one on a column; its top is a support. */
export function table(s: SceneBuilder, f: Pose, w: number, d: number, h: number): void {
  const { random, style } = s
  const top = random.pick([style.wood, style.wood2, style.top, style.white, s.anyPaint()])
  const leg = random.chance(0.5) ? top : random.pick([style.metal, style.dark])
  const thick = random.uniform(0.02, 0.06)
  if (random.chance(0.2) && Math.abs(w - d) < 0.7) {
    const r = Math.min(w, d) / 2
    s.post(f, [0, d / 2, h - thick], r, thick, top)
    s.post(f, [0, d / 2, 0], random.uniform(0.03, 0.08), h, leg)
    s.post(f, [0, d / 2, 0], r * 0.55, 0.04, leg, { taper: 0.6 })
    s.support(f.at(0, d / 2, h), r * 1.3, r * 1.3, 9)
  } else {
    s.box(f, [0, d / 2, h - thick / 2], [w, d, thick], top)
    const r = random.uniform(0.018, 0.05)
    const round = random.chance(0.4)
    for (const x of [-1, 1])
      for (const y of [-1, 1]) {
        const lx = x * (w / 2 - r - 0.02)
        const ly = d / 2 + y * (d / 2 - r - 0.02)
        if (round) s.post(f, [lx, ly, 0], r, h - thick, leg)
        else s.box(f, [lx, ly, (h - thick) / 2], [2 * r, 2 * r, h - thick], leg)
      }
    if (random.chance(0.5)) s.box(f, [0, d / 2, h - thick - 0.05], [w - 4 * r, d - 4 * r, 0.08], leg)
    if (random.chance(0.2)) {
      const cloth = s.anyFabric()
      s.box(f, [0, d / 2, h - 0.13], [w + 0.02, d + 0.02, 0.28], cloth)
      s.support(f.at(0, d / 2, h + 0.01), w, d, 9)
    } else s.support(f.at(0, d / 2, h), w, d, 9)
  }
  s.sight(f, 0, d / 2, h)
}

export function desk(s: SceneBuilder, f: Pose, w: number, d: number): void {
  const { random, style } = s
  const h = random.uniform(0.7, 0.78)
  table(s, f, w, d, h)
  const side = random.chance(0.5) ? 1 : -1
  if (random.chance(0.6))
    s.box(f, [side * (w / 2 - 0.28), d / 2, 0.3], [0.42, d - 0.12, 0.58], random.pick([style.front, style.wood]))
  for (let i = random.integer(0, 3); i > 0; i--) {
    monitor(
      s,
      f.at(random.uniform(-0.3, 0.3) * w, random.uniform(0.15, 0.3), h, random.uniform(-0.4, 0.4)),
      random.uniform(0.4, 0.65),
    )
  }
  if (random.chance(0.6))
    s.box(f, [random.uniform(-0.2, 0.2), d * 0.65, h + 0.01], [0.43, 0.14, 0.02], s.anyPaint(), {
      yaw: random.uniform(-0.1, 0.1),
    })
}

export function monitor(s: SceneBuilder, f: Pose, w: number): void {
  const { random } = s
  const h = w * random.uniform(0.56, 0.65)
  const z = random.uniform(0.08, 0.16) + h / 2
  const tilt = random.uniform(-0.15, 0.05)
  s.box(f, [0, 0, z], [w, 0.04, h], s.style.dark, { pitch: tilt })
  s.sheet(f, [0, 0.0215, z], w * 0.95, h * 0.93, s.add(screenMaterial(s)), {
    pitch: Math.PI / 2 + tilt,
    castsShadow: false,
  })
  s.post(f, [0, -0.03, 0], 0.025, z, s.style.dark)
  s.post(f, [0, -0.02, 0], 0.11, 0.015, s.style.dark)
}

/** The face of a monitor or television, on or off. */
export function screenMaterial(s: SceneBuilder): Material {
  const { random } = s
  const on = random.chance(0.45)
  const dark = hsv(0.6, 0.2, random.uniform(0.05, 0.15))
  return material(random, {
    pattern: Pattern.screen,
    base: on ? anyColour(random) : dark,
    second: on ? anyColour(random) : dark,
    gloss: 0.9,
    mirror: on ? 0.03 : 0.08,
    emission: on ? random.uniform(0.3, 1.2) : 0,
  })
}

export function chair(s: SceneBuilder, f: Pose): void {
  const { random, style } = s
  if (random.chance(0.3)) {
    officeChair(s, f)
    return
  }
  const w = random.uniform(0.38, 0.5)
  const d = random.uniform(0.38, 0.48)
  const h = random.uniform(0.42, 0.48)
  const top = random.uniform(0.78, 1.05)
  const frame = random.pick([style.wood, style.wood2, style.metal, style.dark, style.white])
  const seat = random.pick([frame, style.fabric, style.fabric2, style.paint])
  const r = random.uniform(0.012, 0.025)
  s.box(f, [0, d / 2, h - 0.02], [w, d, random.uniform(0.02, 0.06)], seat)
  for (const x of [-1, 1]) {
    const lx = x * (w / 2 - r)
    s.box(f, [lx, r, top / 2], [2 * r, 2 * r, top], frame)
    s.box(f, [lx, d - r, h / 2], [2 * r, 2 * r, h], frame)
    if (random.chance(0.2)) s.box(f, [lx, d / 2, h + 0.2], [2 * r, d, 0.03], frame)
  }
  const kind = random.uniform()
  if (kind < 0.4) s.box(f, [0, r, (h + 0.15 + top) / 2], [w, 0.025, top - h - 0.15], seat, { pitch: 0.05 })
  else if (kind < 0.7) {
    for (let z = h + 0.16; z < top; z += 0.14) s.box(f, [0, r, z], [w, 0.02, 0.06], frame)
  } else {
    s.box(f, [0, r, top - 0.03], [w, 0.03, 0.08], frame)
    for (let i = -2; i <= 2; i++) s.post(f, [(i * w) / 6, r, h], 0.009, top - h, frame)
  }
}

function officeChair(s: SceneBuilder, f: Pose): void {
  const { random, style } = s
  const c = f.at(0, 0.25, 0, random.uniform(-0.8, 0.8))
  const cloth = random.pick([style.fabric, style.dark, style.dark])
  s.box(c, [0, 0, 0.47], [0.48, 0.46, 0.08], cloth)
  s.ball(c, [0, 0, 0.5], [0.25, 0.24, 0.045], cloth)
  const back = random.uniform(0.45, 0.7)
  s.box(c, [0, -0.24, 0.6 + back / 2], [0.44, 0.05, back], cloth, { pitch: 0.12 })
  s.post(c, [0, 0, 0.08], 0.03, 0.38, style.metal)
  for (let i = 0; i < 5; i++) {
    const a = i * 1.2566
    s.limb(c, [0, 0, 0.12], [0.28 * Math.cos(a), 0.28 * Math.sin(a), 0.05], 0.025, 0.7, style.dark)
    s.ball(c, [0.28 * Math.cos(a), 0.28 * Math.sin(a), 0.03], [0.03, 0.03, 0.03], style.dark)
  }
  for (const x of [-1, 1]) {
    s.box(c, [x * 0.27, 0, 0.68], [0.05, 0.26, 0.03], style.dark)
    s.box(c, [x * 0.27, -0.02, 0.57], [0.03, 0.04, 0.2], style.dark)
  }
}

export function stool(s: SceneBuilder, f: Pose): void {
  const { random, style } = s
  const h = random.uniform(0.4, 0.75)
  const r = random.uniform(0.15, 0.2)
  const m = random.pick([style.wood, style.paint, style.metal])
  s.post(f, [0, r, h - 0.04], r, 0.04, random.pick([m, style.fabric]))
  for (let i = 0; i < 3; i++) {
    const a = i * 2.0944 + 0.4
    s.limb(
      f,
      [0.5 * r * Math.cos(a), r + 0.5 * r * Math.sin(a), h - 0.04],
      [r * Math.cos(a), r + r * Math.sin(a), 0],
      0.018,
      0.8,
      m,
    )
  }
  s.support(f.at(0, r, h), r, r, 8)
}

export function sofa(s: SceneBuilder, f: Pose, w: number, d: number): void {
  const { random, style } = s
  const cloth = random.chance(0.7) ? style.fabric : s.anyFabric()
  const seat = random.uniform(0.36, 0.46)
  const back = random.uniform(0.7, 0.95)
  const arm = random.uniform(0.12, 0.24)
  const low = random.uniform(0.05, 0.14)
  s.box(f, [0, d / 2, (low + seat - 0.1) / 2 + low / 2], [w, d, seat - 0.1 - low], cloth)
  s.box(f, [0, 0.11, (back + low) / 2], [w - 0.02, 0.22, back - low], cloth, { pitch: 0.06 })
  for (const x of [-1, 1]) {
    const h = seat + random.uniform(0.12, 0.2)
    s.box(f, [x * (w / 2 - arm / 2), d / 2, (h + low) / 2], [arm, d, h - low], cloth)
    if (random.chance(0.5)) s.solids.addLimb(...armRoll(f, x * (w / 2 - arm / 2), d, h, arm), 1, cloth)
  }
  const seats = Math.max(1, Math.round((w - 2 * arm) / 0.7))
  const each = (w - 2 * arm) / seats
  for (let i = 0; i < seats; i++) {
    const x = -w / 2 + arm + (i + 0.5) * each
    s.box(f, [x, d / 2 + 0.1, seat - 0.06], [each - 0.015, d - 0.24, 0.14], cloth)
    s.box(f, [x, 0.27, seat + 0.24], [each - 0.03, 0.14, 0.4], cloth, { pitch: 0.2 })
    s.ball(f, [x, d / 2 + 0.1, seat], [each * 0.47, (d - 0.3) * 0.48, 0.04], cloth)
  }
  for (let i = random.integer(0, 4); i > 0; i--) cushion(s, f, random.uniform(-0.4, 0.4) * w, 0.42, seat + 0.2)
  if (random.chance(0.2)) throwOver(s, f.at(random.uniform(-0.3, 0.3) * w, d / 2, seat + 0.02))
  s.sight(f, 0, d / 2, seat)
}

function armRoll(
  f: Pose,
  x: number,
  d: number,
  h: number,
  arm: number,
): [[number, number, number], [number, number, number], number] {
  const a = f.at(x, 0.02, h)
  const b = f.at(x, d, h)
  return [[a.x, a.y, a.z], [b.x, b.y, b.z], arm / 2]
}

export function cushion(s: SceneBuilder, f: Pose, x: number, y: number, z: number): void {
  const { random } = s
  const r = random.uniform(0.18, 0.26)
  s.ball(f, [x, y, z], [r, 0.09, r * random.uniform(0.7, 1)], s.anyFabric(), {
    pitch: random.uniform(0.1, 0.5),
    roll: random.uniform(-0.4, 0.4),
    yaw: random.uniform(-0.4, 0.4),
  })
}

/** A heap of cloth: clothes, a blanket, a bag that lies about. */
export function throwOver(s: SceneBuilder, f: Pose): void {
  const { random } = s
  const n = random.integer(2, 7)
  let m = s.anyFabric()
  for (let i = 0; i < n; i++) {
    if (random.chance(0.4)) m = s.anyFabric()
    const r = random.uniform(0.1, 0.28)
    s.ball(
      f,
      [random.normal(0, 0.16), random.normal(0, 0.14), random.uniform(0, 0.12)],
      [r, r * random.uniform(0.5, 1), random.uniform(0.04, 0.14)],
      m,
      {
        yaw: random.uniform(0, 6.28),
        pitch: random.uniform(-0.4, 0.4),
        roll: random.uniform(-0.4, 0.4),
      },
    )
  }
}

export function bed(s: SceneBuilder, f: Pose, w: number, d: number): void {
  const { random, style } = s
  const h = random.uniform(0.32, 0.5)
  const frame = random.pick([style.wood, style.wood2, style.white, style.fabric])
  const sheet = random.chance(0.6) ? style.white : s.anyFabric()
  const cover = s.anyFabric()
  s.box(f, [0, d / 2, h * 0.35], [w, d, h * 0.5], frame)
  s.box(f, [0, d / 2, h * 0.8], [w - 0.04, d - 0.04, h * 0.45], sheet)
  const head = random.uniform(0.6, 1.3)
  s.box(f, [0, 0.03, head / 2], [w + 0.04, 0.06, head], frame)
  const from = random.uniform(0.4, 0.75)
  s.box(f, [0, from + (d - from) / 2 + 0.01, h * 0.82], [w + 0.03, d - from + 0.03, h * 0.5], cover)
  for (let i = random.integer(2, 6); i > 0; i--)
    s.ball(
      f,
      [random.uniform(-0.4, 0.4) * w, random.uniform(from, d - 0.3), h * 1.06],
      [random.uniform(0.2, 0.6), random.uniform(0.2, 0.5), random.uniform(0.02, 0.07)],
      cover,
      { yaw: random.uniform(0, 3) },
    )
  const pillows = w > 1.2 ? 2 : 1
  for (let i = 0; i < pillows; i++) {
    const x = (i - (pillows - 1) / 2) * w * 0.48
    s.ball(f, [x, 0.3, h + 0.1], [0.33, 0.22, 0.09], random.chance(0.6) ? sheet : s.anyFabric(), {
      pitch: random.uniform(0, 0.6),
      yaw: random.uniform(-0.1, 0.1),
    })
    if (random.chance(0.4)) cushion(s, f, x, 0.5, h + 0.16)
  }
  if (random.chance(0.3)) throwOver(s, f.at(random.uniform(-0.3, 0.3) * w, d * 0.7, h + 0.05))
  s.sight(f, 0, d / 2, h)
}
