/** What lives in a room: people, plants, lamps, curtains, and the small things on tables. Frames as in `seats.ts`. */
import type { SceneBuilder, Support, Vector } from './builder.ts'
import { anyColour, hsv, material, Pattern, type Rgb } from './materials.ts'
import { FRUSTUM, type Frame } from './primitives.ts'
import { monitor, throwOver } from './seats.ts'

/** A person of ellipsoids and limbs, standing or seated (on a seat of height 0.45), facing +y. */
export function person(s: SceneBuilder, f: Frame, seated: boolean): void {
  const { random } = s
  const k = random.uniform(0.86, 1.08)
  const skin = s.matt(hsv(random.uniform(0.03, 0.08), random.uniform(0.25, 0.6), random.uniform(0.35, 0.92)))
  const shirt = s.anyFabric()
  const trousers = random.chance(0.7)
    ? s.anyFabric()
    : s.matt(hsv(0.6, random.uniform(0, 0.5), random.uniform(0.1, 0.5)))
  const shoes = s.anyPaint()
  const hair = s.matt(hsv(random.uniform(0.02, 0.12), random.uniform(0.1, 0.6), random.uniform(0.03, 0.4)))
  const wide = random.uniform(0.9, 1.25)
  const hip = seated ? 0.5 : 0.9 * k
  const shoulder = hip + 0.53 * k
  const y0 = seated ? 0.1 : 0.15
  for (const x of [-1, 1]) {
    const lx = x * 0.09 * wide
    const stride = random.uniform(-0.1, 0.1)
    const knee: Vector = seated ? [lx * 1.4, y0 + 0.42, 0.5] : [lx * 1.1, y0 + 0.03 + stride / 2, 0.48 * k]
    const ankle: Vector = seated
      ? [lx * 1.3, y0 + 0.42 + random.uniform(-0.1, 0.15), 0.07]
      : [lx * 1.2, y0 + stride, 0.07]
    s.limb(f, [lx, y0, hip], knee, 0.095 * wide, 0.72, trousers)
    s.ball(f, knee, [0.068 * wide, 0.068 * wide, 0.068 * wide], trousers)
    s.limb(f, knee, ankle, 0.068 * wide, 0.75, random.chance(0.8) ? trousers : skin)
    s.ball(f, [ankle[0], ankle[1] + 0.06, 0.045], [0.05, 0.13, 0.045], shoes)
    // Arms: down, on the hip, or raised towards the front.
    const reach = random.uniform()
    const sx = x * 0.2 * wide * k
    const sh: Vector = [sx, y0, shoulder - 0.04]
    const elbow: Vector =
      reach < 0.5
        ? [sx * 1.25, y0 + random.uniform(-0.06, 0.1), shoulder - 0.32 * k]
        : [sx * random.uniform(1.2, 1.8), y0 + random.uniform(0, 0.2), shoulder - random.uniform(0.05, 0.25)]
    const hand: Vector =
      reach < 0.4
        ? [sx * 1.25, y0 + random.uniform(0, 0.15), shoulder - 0.58 * k]
        : [sx * random.uniform(0.2, 1.8), y0 + random.uniform(0.15, 0.4), shoulder + random.uniform(-0.35, 0.3)]
    s.ball(f, sh, [0.07, 0.075, 0.075], shirt)
    s.limb(f, sh, elbow, 0.058 * wide, 0.8, shirt)
    s.ball(f, elbow, [0.047 * wide, 0.047 * wide, 0.047 * wide], shirt)
    s.limb(f, elbow, hand, 0.045, 0.75, random.chance(0.6) ? shirt : skin)
    s.ball(f, hand, [0.045, 0.055, 0.05], skin)
    if (random.chance(0.15)) held(s, f.at(hand[0], hand[1] + 0.06, hand[2]))
  }
  s.ball(f, [0, y0, hip + 0.02], [0.17 * wide, 0.12 * wide, 0.13], trousers)
  s.ball(f, [0, y0, hip + 0.2 * k], [0.165 * wide, 0.115 * wide, 0.24 * k], shirt)
  s.ball(f, [0, y0, hip + 0.38 * k], [0.2 * wide, 0.125 * wide, 0.19 * k], shirt)
  s.limb(f, [0, y0, shoulder - 0.05], [0, y0 + 0.02, shoulder + 0.1], 0.055, 0.95, skin)
  const head = f.at(0, y0 + 0.03, shoulder + 0.19, random.uniform(-0.8, 0.8))
  s.ball(head, [0, 0, 0], [0.076, 0.095, 0.115], skin)
  s.ball(head, [0, 0.095, -0.015], [0.014, 0.02, 0.024], skin)
  s.ball(head, [0, -0.02, 0.035], [0.086, 0.098, 0.1], hair)
  if (random.chance(0.25)) {
    const cap = s.anyPaint()
    s.ball(head, [0, -0.005, 0.055], [0.093, 0.108, 0.09], cap)
    s.ball(head, [0, 0.11, 0.05], [0.07, 0.08, 0.012], cap)
  }
  for (const x of [-1, 1]) s.ball(head, [x * 0.03, 0.083, 0.012], [0.014, 0.012, 0.008], hair)
  // Twice, as people are what photos are taken of.
  s.sight(f, 0, y0, shoulder - 0.1)
  s.sight(f, 0, y0, hip)
}

/** Something held in a hand, or lying about: a box, a sheet, a ball, a toy. */
function held(s: SceneBuilder, f: Frame): void {
  const { random } = s
  const kind = random.uniform()
  const options = { pitch: random.uniform(-0.5, 0.5), yaw: random.uniform(-0.6, 0.6) }
  if (kind < 0.4)
    s.box(
      f,
      [0, 0, 0.05],
      [random.uniform(0.1, 0.35), random.uniform(0.05, 0.2), random.uniform(0.08, 0.25)],
      s.anyPaint(),
      options,
    )
  else if (kind < 0.7) s.sheet(f, [0, 0, 0.1], random.uniform(0.2, 0.35), random.uniform(0.2, 0.35), pictureMaterial(s))
  else toy(s, f)
}

export function pictureMaterial(s: SceneBuilder): number {
  const { random } = s
  return s.add(
    material(random, {
      pattern: Pattern.picture,
      base: anyColour(random),
      second: anyColour(random),
      third: anyColour(random),
      gloss: random.uniform(0, 0.4),
    }),
  )
}

/** A soft toy: body, head, ears and limbs of ellipsoids. */
export function toy(s: SceneBuilder, f: Frame): void {
  const { random } = s
  const m = s.anyFabric()
  const m2 = random.chance(0.5) ? m : s.anyFabric()
  const k = random.uniform(0.06, 0.16)
  s.ball(f, [0, 0, k], [k * 0.8, k * 0.7, k], m)
  s.ball(f, [0, 0.2 * k, 2.4 * k], [k * 0.75, k * 0.7, k * 0.7], m2)
  for (const x of [-1, 1]) {
    s.ball(f, [x * 0.6 * k, 0.1 * k, 3 * k], [k * 0.25, k * 0.15, k * random.uniform(0.25, 0.7)], m)
    s.ball(f, [x * 0.9 * k, 0.4 * k, 1.3 * k], [k * 0.3, k * 0.6, k * 0.25], m)
    s.ball(f, [x * 0.5 * k, 0.9 * k, 0.35 * k], [k * 0.32, k * 0.65, k * 0.32], m2)
  }
}

export function plant(s: SceneBuilder, f: Frame, size: number): void {
  const { random } = s
  const r = size * random.uniform(0.12, 0.2)
  const h = size * random.uniform(0.2, 0.35)
  const green: Rgb = hsv(random.uniform(0.2, 0.4), random.uniform(0.35, 0.85), random.uniform(0.25, 0.7))
  const leaf = s.add(
    material(random, {
      pattern: Pattern.blotches,
      base: green,
      second: [green[0] * 0.6, green[1] * 0.65, green[2] * 0.6],
      third: [green[0], green[1] * 1.1, green[2] * 0.5],
      scale: 0.06,
      gloss: 0.3,
    }),
  )
  const stem = s.matt(hsv(random.uniform(0.06, 0.3), 0.5, 0.3))
  s.post(f, [0, 0.2, 0], r * 0.75, h, s.anyPaint(), { taper: 1.35 })
  const kind = random.uniform()
  const leaves = random.integer(14, 46)
  for (let i = 0; i < leaves; i++) {
    const a = random.uniform(0, 6.2832)
    const up = random.uniform(0.1, 1)
    const out = kind < 0.4 ? size * 0.35 * Math.sin(up * 3) : size * random.uniform(0.05, 0.4)
    const x = out * Math.cos(a)
    const y = 0.2 + out * Math.sin(a)
    const z = h + (size - h) * up
    const l = size * random.uniform(0.06, 0.16)
    if (kind > 0.7) s.limb(f, [0.2 * x, 0.2 + 0.2 * (y - 0.2), h], [x, y, z], 0.012 * size + 0.006, 0.2, leaf)
    else {
      if (i % 4 === 0) s.limb(f, [0, 0.2, h], [x, y, z], 0.006 + 0.004 * size, 0.5, stem)
      s.ball(f, [x, y, z], [l, l * random.uniform(0.3, 0.6), 0.004 + 0.01 * l], leaf, {
        yaw: a,
        pitch: random.uniform(-0.7, 0.7),
        roll: random.uniform(-1.1, 0.9),
      })
    }
  }
  s.sight(f, 0, 0.2, size * 0.6)
}

/** A lamp on a pole or a foot; `lit` adds its light. */
export function lamp(s: SceneBuilder, f: Frame, height: number, lit: boolean): void {
  const { random, style } = s
  const r = height * random.uniform(0.1, 0.2)
  const shade = Math.min(height * 0.35, 0.3)
  s.post(f, [0, 0.2, 0], r * 0.8, 0.03, style.metal)
  s.post(f, [0, 0.2, 0], random.uniform(0.008, 0.02), height - shade, style.metal)
  const warm = hsv(random.uniform(0.07, 0.13), random.uniform(0.1, 0.45), 1)
  const m = s.add(
    material(random, { base: lit ? warm : anyColour(random), emission: lit ? random.uniform(1.5, 4) : 0 }),
  )
  s.post(f, [0, 0.2, height - shade], r * 1.2, shade, m, { taper: random.uniform(0.5, 0.95), castsShadow: !lit })
  if (lit) addBulb(s, f.at(0, 0.2, height - shade / 2), r * 0.8, random.uniform(0.4, 1.6), warm)
}

export function addBulb(s: SceneBuilder, f: Frame, radius: number, power: number, colour: Rgb): void {
  const r = radius
  s.lights.push({
    centre: [f.x, f.y, f.z],
    u: [r, 0, 0.5 * r],
    v: [0, r, 0.5 * r],
    normal: null,
    colour: [colour[0] * power, colour[1] * power, colour[2] * power],
  })
}

/** Folds of cloth from x0 to x1, hanging from `top` down to `low`, in front of a wall. */
export function curtain(s: SceneBuilder, f: Frame, x0: number, x1: number, low: number, top: number, m: number): void {
  const { random } = s
  const fold = random.uniform(0.04, 0.11)
  const deep = random.uniform(0.35, 1)
  let x = x0 + fold / 2
  while (x < x1) {
    const w = fold * random.uniform(0.7, 1.5)
    const y = 0.1 + random.uniform(-0.02, 0.02)
    s.solids.add(FRUSTUM, f, [x, y, (low + top) / 2], [w * 0.62, w * deep * 0.62, (top - low) / 2], m, {
      taper: random.uniform(0.8, 1),
      yaw: random.uniform(-0.2, 0.2),
    })
    x += w
  }
  s.sheet(f, [(x0 + x1) / 2, 0.09, (low + top) / 2], x1 - x0, top - low, m)
}

/** Scatters small things over a support. */
export function clutter(s: SceneBuilder, support: Support): void {
  const { random } = s
  const area = support.width * support.depth
  const n = Math.min(Math.round(random.uniform(0, 2) * support.density * area), 14)
  const placed: { x: number; y: number; r: number }[] = []
  for (let i = 0; i < n; i++) {
    const r = random.uniform(0.04, 0.14)
    const x = random.uniform(-0.5, 0.5) * Math.max(support.width - 2 * r, 0)
    const y = random.uniform(-0.5, 0.5) * Math.max(support.depth - 2 * r, 0)
    if (placed.some((p) => (p.x - x) ** 2 + (p.y - y) ** 2 < (p.r + r) ** 2)) continue
    placed.push({ x, y, r })
    smallThing(s, support.frame.at(x, y, 0.001, random.uniform(0, 6.2832)), r, support.room)
  }
}

/** One thing that fits in a circle of radius `r`, at most `room` high. */
export function smallThing(s: SceneBuilder, f: Frame, r: number, room: number): void {
  const { random, style } = s
  const kind = random.integer(0, 14)
  const tall = (lo: number, hi: number) => Math.min(random.uniform(lo, hi), room * 0.9)
  switch (kind) {
    case 0: {
      const h = tall(0.07, 0.12)
      const m = s.anyPaint()
      s.post(f, [0, 0, 0], 0.04, h, m, { taper: random.uniform(0.9, 1.25) })
      s.box(f, [0.05, 0, h / 2], [0.03, 0.01, h * 0.5], m)
      break
    }
    case 1: {
      const h = tall(0.2, 0.34)
      const m = s.anyPaint()
      s.post(f, [0, 0, 0], 0.035, h * 0.65, m)
      s.post(f, [0, 0, h * 0.65], 0.035, h * 0.15, m, { taper: 0.4 })
      s.post(f, [0, 0, h * 0.8], 0.014, h * 0.2, random.chance(0.5) ? m : style.dark)
      break
    }
    case 2:
    case 3: {
      let z = 0
      for (let i = random.integer(1, 5); i > 0 && z < room - 0.06; i--) {
        const h = random.uniform(0.01, 0.05)
        s.box(
          f,
          [0, 0, z + h / 2],
          [r * random.uniform(1.1, 1.7), r * random.uniform(0.9, 1.4), h],
          random.chance(0.5) ? s.anyPaint() : pictureMaterial(s),
          { yaw: random.uniform(-0.3, 0.3) },
        )
        z += h
      }
      break
    }
    case 4:
      s.slab(f, [0, 0, 0.001], 0.21, 0.297, paperMaterial(s))
      break
    case 5:
    case 6: {
      const h = tall(0.06, 0.3)
      s.box(
        f,
        [0, 0, h / 2],
        [r * random.uniform(0.8, 1.5), r * random.uniform(0.5, 1.4), h],
        random.chance(0.6) ? s.anyPaint() : pictureMaterial(s),
      )
      break
    }
    case 7: {
      const k = Math.min(r, room * 0.4)
      s.ball(f, [0, 0, k], [k, k, k], random.chance(0.5) ? s.anyPaint() : s.anyFabric())
      break
    }
    case 8:
      if (room > 0.3) {
        // A laptop: base and lid.
        const m = random.pick([style.dark, style.metal, style.white])
        s.box(f, [0, 0, 0.01], [0.32, 0.22, 0.018], m)
        s.box(f, [0, -0.14, 0.12], [0.32, 0.012, 0.22], m, { pitch: 0.25 })
      }
      break
    case 9:
      s.post(f, [0, 0, 0], r * 0.6, tall(0.04, 0.09), s.anyPaint(), { taper: random.uniform(1.2, 1.9) })
      for (let i = random.integer(0, 5); i > 0; i--)
        s.ball(f, [random.normal(0, 0.3) * r, random.normal(0, 0.3) * r, 0.09], [0.035, 0.035, 0.035], s.matt())
      break
    case 10:
      if (room > 0.35) plant(s, f.at(0, -0.2, 0), Math.min(random.uniform(0.2, 0.45), room * 0.9))
      break
    case 11:
      if (room > 0.3) toy(s, f)
      break
    case 12:
      if (room > 0.4) {
        const which = random.uniform()
        if (which < 0.4) lamp(s, f.at(0, -0.2, 0), random.uniform(0.3, 0.4), false)
        else if (which < 0.65) monitor(s, f, 0.35)
        else throwOver(s, f)
      }
      break
    default: {
      // Jar or tin with a lid.
      const h = tall(0.06, 0.22)
      s.post(f, [0, 0, 0], r * 0.5, h * 0.85, s.anyPaint())
      s.post(f, [0, 0, h * 0.85], r * 0.52, h * 0.15, s.anyPaint())
    }
  }
}

function paperMaterial(s: SceneBuilder): number {
  const { random } = s
  return s.add(
    material(random, {
      pattern: Pattern.paper,
      base: hsv(0.12, random.uniform(0, 0.1), random.uniform(0.85, 0.98)),
      second: hsv(0, 0, 0.15),
      third: anyColour(random),
    }),
  )
}
