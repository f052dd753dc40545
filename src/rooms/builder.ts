/** The parts that a scene is built from: solids with materials, lamps, and surfaces that things may be put on. */
import type { Random } from '../support/random.ts'
import type { Piece } from './catalogue/sh3f.ts'
import { anyColour, drawStyle, fabric, type Material, paint, type Rgb, type Style } from './materials/materials.ts'
import {
  BOX,
  ELLIPSOID,
  FRUSTUM,
  MESH,
  type Pose,
  PrimitiveList,
  QUAD,
  type SolidOptions,
  type Vector,
} from './solids/primitives.ts'

/** A light source with an area: a parallelogram `centre ± u ± v`, or a ball where `normal` is null. */
export interface Light {
  readonly centre: Vector
  readonly u: Vector
  readonly v: Vector
  /** The side that it lights; null for all directions. */
  readonly normal: Vector | null
  /** Radiant intensity, linear RGB. */
  readonly colour: Rgb
}

/** A level area, centred on `frame`'s origin, on which clutter may be put. */
export interface Support {
  readonly frame: Pose
  readonly width: number
  readonly depth: number
  /** Free height above, metres. */
  readonly room: number
  /** Expected number of things per square metre. */
  readonly density: number
}

/** A piece of a catalogue that has a place in the scene. Its shape and materials are added later. */
export interface PlacedPiece {
  readonly piece: Piece
  /** Index of its solid, in the order of adding. */
  readonly solid: number
}

/** A screen on a desk: the point at its foot, and the yaw of the direction that it faces. */
export interface Screen {
  readonly foot: Vector
  readonly yaw: number
}

export class SceneBuilder {
  readonly random: Random
  readonly solids = new PrimitiveList()
  readonly materials: Material[] = []
  readonly lights: Light[] = []
  readonly supports: Support[] = []
  readonly placed: PlacedPiece[] = []
  /** The different pieces among them. A piece and its mesh have the same index. */
  readonly pieces: Piece[] = []
  /** Points worth looking at: the middle of a piece of furniture, world metres. */
  readonly sights: Vector[] = []
  /** Places of small things that lie on others, world metres. */
  readonly details: Vector[] = []
  /** Screens on desks, and the directions that they face. */
  readonly screens: Screen[] = []
  readonly style: Style

  constructor(random: Random) {
    this.random = random
    this.style = drawStyle(random, (m) => this.add(m))
  }

  add(material: Material): number {
    return this.materials.push(material) - 1
  }

  /** A new paint of a random colour. */
  anyPaint(): number {
    return this.add(paint(this.random))
  }

  anyFabric(): number {
    return this.add(fabric(this.random))
  }

  /** A plain matt material of the given colour or a random one. */
  matt(colour: Rgb = anyColour(this.random)): number {
    return this.add(paint(this.random, colour, 0))
  }

  /** `size`: whole extents in metres. */
  box(f: Pose, centre: Vector, size: Vector, material: number, options?: SolidOptions): void {
    this.solids.add(BOX, f, centre, [size[0] / 2, size[1] / 2, size[2] / 2], material, options)
  }

  ball(f: Pose, centre: Vector, radii: Vector, material: number, options?: SolidOptions): void {
    this.solids.add(ELLIPSOID, f, centre, radii, material, options)
  }

  /**
   * A piece of a catalogue, its back edge at the frame's origin, its foot at the frame's height, scaled by `scale`.
   */
  piece(f: Pose, piece: Piece, scale: Vector = [1, 1, 1]): void {
    const [w, d, h] = [piece.width * scale[0], piece.depth * scale[1], piece.height * scale[2]]
    let mesh = this.pieces.indexOf(piece)
    if (mesh < 0) mesh = this.pieces.push(piece) - 1
    this.placed.push({ piece, solid: this.solids.count })
    // At least 0.2 mm thick: a flat shape still needs a box with a volume.
    const half: Vector = [w / 2, d / 2, Math.max(h / 2, 1e-4)]
    this.solids.add(MESH, f, [0, d / 2, h / 2], half, 0, { mesh })
    if (Math.max(w, d, h) > 0.25) this.sight(f, 0, d / 2, h / 2)
  }

  /** An upright cylinder or frustum that stands on `foot`. */
  post(f: Pose, foot: Vector, radius: number, height: number, material: number, options?: SolidOptions): void {
    const centre: Vector = [foot[0], foot[1], foot[2] + height / 2]
    this.solids.add(FRUSTUM, f, centre, [radius, radius, height / 2], material, options)
  }

  /** A vertical rectangle facing +y of the frame. */
  sheet(f: Pose, centre: Vector, width: number, height: number, material: number, options?: SolidOptions): void {
    this.solids.add(QUAD, f, centre, [width / 2, height / 2, 1], material, { pitch: Math.PI / 2, ...options })
  }

  /** A horizontal rectangle. */
  slab(f: Pose, centre: Vector, width: number, depth: number, material: number, options?: SolidOptions): void {
    this.solids.add(QUAD, f, centre, [width / 2, depth / 2, 1], material, options)
  }

  /** A tapering limb between two points of the frame, with a ball at its end. */
  limb(f: Pose, p: Vector, q: Vector, radius: number, taper: number, material: number): void {
    const a = f.at(p[0], p[1], p[2])
    const b = f.at(q[0], q[1], q[2])
    this.solids.addLimb([a.x, a.y, a.z], [b.x, b.y, b.z], radius, taper, material)
  }

  sight(f: Pose, x: number, y: number, z: number): void {
    const p = f.at(x, y, z)
    this.sights.push([p.x, p.y, p.z])
  }

  detail({ x, y, z }: Pose): void {
    this.details.push([x, y, z])
  }

  /** A screen at the frame's origin that faces y. */
  screen({ x, y, z, yaw }: Pose): void {
    this.screens.push({ foot: [x, y, z], yaw: yaw + Math.PI / 2 })
  }

  support(frame: Pose, width: number, depth: number, density: number, room = 1): void {
    this.supports.push({ frame, width, depth, density, room })
  }

  /** A ball-like lamp of `radius` metres at the frame's origin that shines all round. */
  bulb(f: Pose, radius: number, power: number, colour: Rgb): void {
    const r = radius
    this.lights.push({
      centre: [f.x, f.y, f.z],
      u: [r, 0, 0.5 * r],
      v: [0, r, 0.5 * r],
      normal: null,
      colour: [colour[0] * power, colour[1] * power, colour[2] * power],
    })
  }
}
