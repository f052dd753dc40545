/**
 * A home furnished from a catalogue, drawn from a seed in two steps. `draftHome` decides everything that needs only the
 * catalogue's descriptions. `finishHome` takes the shapes of the pieces in the draft and makes the scene.
 */
import { Random } from '../support/random.ts'
import { SceneBuilder } from './builder.ts'
import type { Roles } from './catalogue/roles.ts'
import type { Piece } from './catalogue/sh3f.ts'
import { hangings } from './furnish/hangings.ts'
import { furnishHome } from './furnish/home.ts'
import { daylight } from './light/daylight.ts'
import { homeLamps } from './light/home-lamps.ts'
import {
  anyColour,
  fabric,
  type Material,
  material,
  metal,
  mix,
  Pattern,
  paint,
  type Rgb,
  wood,
} from './materials/materials.ts'
import { drawHome, type Home, homeShell, outerWalls } from './plan/home.ts'
import { openings } from './plan/openings.ts'
import type { Scene } from './scene.ts'
import { buildBvh } from './solids/bvh.ts'
import type { Mesh, MeshMaterial } from './solids/mesh.ts'
import { Tracer } from './solids/ray-tracer.ts'

/** Least and greatest depth of a picture of a home, metres. */
const RANGE = { nearest: 0.2, farthest: 20 } as const

/** Photos of homes are as bright as real ones, on the mean. */
const KEY = 0.22

export interface HomeDraft {
  readonly seed: number
  readonly builder: SceneBuilder
  readonly home: Home
  readonly light: ReturnType<typeof daylight>
  /** The pieces whose shapes `finishHome` needs, in its order. */
  readonly pieces: readonly Piece[]
}

export function draftHome(seed: number, roles: Roles): HomeDraft {
  const random = new Random(seed, 1)
  const s = new SceneBuilder(random)
  const home = drawHome(random)
  const day = random.chance(0.65)
  const windows = openings(s, home.plan, home.height, {
    day,
    most: 1 + 2 * home.parts.length,
    outer: outerWalls(home),
    recess: random.uniform(0.04, 0.22),
  })
  homeShell(s, home)
  furnishHome(s, home, roles)
  homeLamps(s, home, windows)
  hangings(s, home.plan, home.height)
  return { seed, builder: s, home, light: daylight(random, day, windows), pieces: s.pieces }
}

/** `shapes`: those of `draft.pieces`, in the same order. A piece without a shape is left out of the scene. */
export function finishHome({ seed, builder: s, home, light }: HomeDraft, shapes: readonly (Mesh | null)[]): Scene {
  const random = new Random(seed, 4)
  for (const { piece, solid } of s.placed) {
    const mesh = shapes[s.pieces.indexOf(piece)]
    if (mesh) s.solids.setMaterial(solid, addMaterials(s, random, mesh))
  }
  const bvh = buildBvh(s.solids.worldBounds())
  return {
    kind: home.parts[0].kind,
    tracer: new Tracer(
      s.solids.finish(bvh.order),
      bvh,
      shapes.map((mesh) => mesh ?? NOTHING),
    ),
    materials: s.materials,
    lights: s.lights,
    ...light,
    plan: home.plan,
    height: home.height,
    sights: s.sights,
    details: s.details,
    screens: s.screens,
    bounce: true,
    key: KEY,
    range: RANGE,
  }
}

/** Placeholder for a piece without a shape: a triangle that no ray hits. */
const NOTHING: Mesh = {
  triangles: 1,
  corners: new Float32Array(9),
  normals: new Int8Array(9),
  uvs: new Float32Array(),
  material: new Uint8Array(1),
  materials: [{ colour: [0, 0, 0], gloss: 0, image: null }],
  nodeBounds: new Float32Array(6),
  nodeFirst: new Int32Array(1),
  nodeCount: Int32Array.of(1),
}

/**
 * Adds one material for each part of the mesh, in the original colours or in others. Returns the index of the first.
 */
function addMaterials(s: SceneBuilder, random: Random, mesh: Mesh): number {
  const first = s.materials.length
  const recoloured = random.chance(0.5)
  for (const part of mesh.materials) {
    const other = recoloured && random.chance(0.6)
    if (part.image !== null) s.add(imageMaterial(random, part, other))
    else s.add(other ? anyMaterial(random) : ownMaterial(random, part))
  }
  return first
}

function imageMaterial(random: Random, { image, gloss }: MeshMaterial, other: boolean): Material {
  const white: Rgb = [1, 1, 1]
  const base = other ? mix(white, anyColour(random), random.uniform(0.1, 0.6)) : white
  return material(random, { pattern: Pattern.image, image, base, gloss })
}

function ownMaterial(random: Random, { colour, gloss }: MeshMaterial): Material {
  return material(random, { base: colour, gloss, scale: 0.5 })
}

function anyMaterial(random: Random): Material {
  const kind = random.uniform()
  if (kind < 0.3) return wood(random)
  if (kind < 0.7) return paint(random)
  if (kind < 0.93) return fabric(random)
  return metal(random)
}
