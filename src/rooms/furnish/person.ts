/** People made of ellipsoids and limbs. Frames as in `seats.ts`. */
import type { SceneBuilder } from '../builder.ts'
import { hsv, picture } from '../materials/materials.ts'
import type { Pose, Vector } from '../solids/primitives.ts'
import { toy } from './toy.ts'

/** Proportions and clothes of one person. Lengths in metres, for a person of height factor `k`. */
interface Body {
  readonly seated: boolean
  /** Height relative to an adult. */
  readonly k: number
  /** Width relative to a slim person. */
  readonly wide: number
  readonly hip: number
  readonly shoulder: number
  /** Distance of the trunk from the frame's origin. */
  readonly y0: number
  /** Materials. */
  readonly skin: number
  readonly shirt: number
  readonly trousers: number
  readonly shoes: number
  readonly hair: number
}

/** A person, standing or seated (on a seat of height 0.45), facing +y. */
export function person(s: SceneBuilder, f: Pose, seated: boolean): void {
  const body = drawBody(s, seated)
  for (const side of [-1, 1]) {
    leg(s, f, body, side)
    arm(s, f, body, side)
  }
  trunk(s, f, body)
  head(s, f, body)
  // Listed twice, because photos often show people.
  s.sight(f, 0, body.y0, body.shoulder - 0.1)
  s.sight(f, 0, body.y0, body.hip)
}

function drawBody(s: SceneBuilder, seated: boolean): Body {
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
  const y0 = seated ? 0.1 : 0.15
  return { seated, k, wide, hip, shoulder: hip + 0.53 * k, y0, skin, shirt, trousers, shoes, hair }
}

/** `side`: −1 or 1. */
function leg(s: SceneBuilder, f: Pose, { seated, k, wide, hip, y0, ...body }: Body, side: number): void {
  const { random } = s
  const x = side * 0.09 * wide
  const stride = random.uniform(-0.1, 0.1)
  const knee: Vector = seated ? [x * 1.4, y0 + 0.42, 0.5] : [x * 1.1, y0 + 0.03 + stride / 2, 0.48 * k]
  const ankle: Vector = seated ? [x * 1.3, y0 + 0.42 + random.uniform(-0.1, 0.15), 0.07] : [x * 1.2, y0 + stride, 0.07]
  s.limb(f, [x, y0, hip], knee, 0.095 * wide, 0.72, body.trousers)
  s.ball(f, knee, [0.068 * wide, 0.068 * wide, 0.068 * wide], body.trousers)
  s.limb(f, knee, ankle, 0.068 * wide, 0.75, random.chance(0.8) ? body.trousers : body.skin)
  s.ball(f, [ankle[0], ankle[1] + 0.06, 0.045], [0.05, 0.13, 0.045], body.shoes)
}

/** Down, on the hip, or raised towards the front. */
function arm(s: SceneBuilder, f: Pose, { k, wide, shoulder, y0, shirt, skin }: Body, side: number): void {
  const { random } = s
  const reach = random.uniform()
  const x = side * 0.2 * wide * k
  const joint: Vector = [x, y0, shoulder - 0.04]
  const elbow: Vector =
    reach < 0.5
      ? [x * 1.25, y0 + random.uniform(-0.06, 0.1), shoulder - 0.32 * k]
      : [x * random.uniform(1.2, 1.8), y0 + random.uniform(0, 0.2), shoulder - random.uniform(0.05, 0.25)]
  const hand: Vector =
    reach < 0.4
      ? [x * 1.25, y0 + random.uniform(0, 0.15), shoulder - 0.58 * k]
      : [x * random.uniform(0.2, 1.8), y0 + random.uniform(0.15, 0.4), shoulder + random.uniform(-0.35, 0.3)]
  s.ball(f, joint, [0.07, 0.075, 0.075], shirt)
  s.limb(f, joint, elbow, 0.058 * wide, 0.8, shirt)
  s.ball(f, elbow, [0.047 * wide, 0.047 * wide, 0.047 * wide], shirt)
  s.limb(f, elbow, hand, 0.045, 0.75, random.chance(0.6) ? shirt : skin)
  s.ball(f, hand, [0.045, 0.055, 0.05], skin)
  if (random.chance(0.15)) held(s, f.at(hand[0], hand[1] + 0.06, hand[2]))
}

function trunk(s: SceneBuilder, f: Pose, { k, wide, hip, shoulder, y0, ...body }: Body): void {
  s.ball(f, [0, y0, hip + 0.02], [0.17 * wide, 0.12 * wide, 0.13], body.trousers)
  s.ball(f, [0, y0, hip + 0.2 * k], [0.165 * wide, 0.115 * wide, 0.24 * k], body.shirt)
  s.ball(f, [0, y0, hip + 0.38 * k], [0.2 * wide, 0.125 * wide, 0.19 * k], body.shirt)
  s.limb(f, [0, y0, shoulder - 0.05], [0, y0 + 0.02, shoulder + 0.1], 0.055, 0.95, body.skin)
}

function head(s: SceneBuilder, f: Pose, { shoulder, y0, skin, hair }: Body): void {
  const { random } = s
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
}

/** Something held in a hand, or lying about: a box, a sheet, a ball, a toy. */
function held(s: SceneBuilder, f: Pose): void {
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
  else if (kind < 0.7)
    s.sheet(f, [0, 0, 0.1], random.uniform(0.2, 0.35), random.uniform(0.2, 0.35), s.add(picture(random)))
  else toy(s, f)
}
