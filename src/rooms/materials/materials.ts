/**
 * Materials of surfaces: typed descriptions with random colours and scales, drawn once per scene. `texture.ts`
 * evaluates them. Colours are linear RGB reflectances in [0, 1].
 */
import type { Random } from '../../support/random.ts'
import type { Image } from '../solids/image.ts'

export type Rgb = readonly [number, number, number]

/** How a material varies over its surface; see `texture.ts` for each. */
export const Pattern = {
  plain: 0,
  planks: 1,
  tiles: 2,
  carpet: 3,
  stripes: 4,
  brick: 5,
  grain: 6,
  plaid: 7,
  motif: 8,
  picture: 9,
  books: 10,
  outside: 11,
  speckle: 12,
  paper: 13,
  screen: 14,
  panels: 15,
  blotches: 16,
  ribs: 17,
  rug: 18,
  image: 19,
} as const

export interface Material {
  readonly pattern: number
  readonly base: ArrayLike<number>
  readonly second: ArrayLike<number>
  readonly third: ArrayLike<number>
  /** Main period of the pattern in metres, and a second one where the pattern has two. */
  readonly scale: number
  readonly scale2: number
  readonly seed: number
  /** Strength of the highlight, 0 to 1. */
  readonly gloss: number
  /** Share of light reflected as by a mirror, at normal incidence. */
  readonly mirror: number
  /** Slope of wrinkles and dents in the shading normal; the geometry stays as it is. */
  readonly bump: number
  /** Period of those wrinkles, metres. */
  readonly bumpScale: number
  /** Emitted radiance, times the texture's colour; 0 except for lamps, screens and windows. */
  readonly emission: number
  /** The image of `Pattern.image`; `base` tints it. */
  readonly image: Image | null
  /**
   * Whether the surface is a pane that shows what is far away: its colour depends on the direction of the ray, and its depth is
   * not known.
   */
  readonly distant: boolean
}

/** sRGB-like hue (turns), saturation and value to linear RGB. */
export function hsv(hue: number, saturation: number, value: number): Rgb {
  const channel = (shift: number): number => {
    const h = (((hue + shift) % 1) + 1) % 1
    const ramp = Math.min(Math.max(Math.abs(h * 6 - 3) - 1, 0), 1)
    const v = value * (1 - saturation + saturation * ramp)
    // 2.2 power law without a call whose last bits differ between engines: v² · v^0.2 ≈ v²(0.8 + 0.2v).
    return v * v * (0.8 + 0.2 * v)
  }
  return [channel(0), channel(2 / 3), channel(1 / 3)]
}

export function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

export function scaled(a: Rgb, k: number): Rgb {
  return [Math.min(a[0] * k, 1), Math.min(a[1] * k, 1), Math.min(a[2] * k, 1)]
}

/** Fills in the defaults. Colours become typed arrays, so that the inner loop sees one type only. */
export function material(random: Random, part: Partial<Material> & { base: Rgb }): Material {
  return {
    pattern: Pattern.plain,
    scale: 1,
    scale2: 0.3,
    seed: random.bits() | 0,
    gloss: 0,
    mirror: 0,
    bump: 0,
    bumpScale: 0.3,
    emission: 0,
    image: null,
    distant: false,
    ...part,
    base: Float64Array.from(part.base),
    second: Float64Array.from(part.second ?? part.base),
    third: Float64Array.from(part.third ?? part.base),
  }
}

/** A wall paint: mostly off-white and pale, sometimes strong. */
export function wallColour(random: Random): Rgb {
  const kind = random.uniform()
  if (kind < 0.5) return hsv(random.uniform(0.02, 0.2), random.uniform(0, 0.16), random.uniform(0.72, 0.95))
  if (kind < 0.7) return hsv(random.uniform(0.5, 0.7), random.uniform(0, 0.15), random.uniform(0.6, 0.92))
  if (kind < 0.88) return hsv(random.uniform(), random.uniform(0.12, 0.45), random.uniform(0.5, 0.9))
  if (kind < 0.95) return hsv(random.uniform(), random.uniform(0.4, 0.95), random.uniform(0.35, 0.9))
  return hsv(random.uniform(), random.uniform(0, 0.2), random.uniform(0.15, 0.45))
}

/** Any colour of a thing: greys, muted and vivid ones. */
export function anyColour(random: Random): Rgb {
  const kind = random.uniform()
  if (kind < 0.3) return hsv(random.uniform(), random.uniform(0, 0.1), random.uniform(0.08, 0.95))
  if (kind < 0.75) return hsv(random.uniform(), random.uniform(0.1, 0.5), random.uniform(0.2, 0.9))
  return hsv(random.uniform(), random.uniform(0.5, 1), random.uniform(0.25, 0.95))
}

function woodColour(random: Random): Rgb {
  return hsv(random.uniform(0.03, 0.11), random.uniform(0.25, 0.75), random.uniform(0.2, 0.88))
}

export function wood(random: Random, colour = woodColour(random)): Material {
  return material(random, {
    pattern: Pattern.grain,
    base: colour,
    second: scaled(colour, random.uniform(0.4, 0.8)),
    scale: random.uniform(0.02, 0.06),
    gloss: random.uniform(0, 0.35),
    mirror: random.chance(0.2) ? random.uniform(0.02, 0.06) : 0,
  })
}

export function paint(random: Random, colour: Rgb = anyColour(random), gloss = random.uniform(0, 0.3)): Material {
  return material(random, { base: colour, gloss, scale: random.uniform(0.2, 0.8) })
}

export function metal(random: Random): Material {
  return material(random, {
    base: hsv(random.uniform(0.05, 0.65), random.uniform(0, 0.12), random.uniform(0.3, 0.8)),
    gloss: random.uniform(0.4, 1),
    mirror: random.uniform(0.05, 0.3),
  })
}

/** Cloth: plain, striped, checked, printed or blotchy, with wrinkles. */
export function fabric(random: Random, colour: Rgb = anyColour(random)): Material {
  const bump = random.uniform(0.1, 0.6)
  const bumpScale = random.uniform(0.06, 0.4)
  const other = anyColour(random)
  const common = { base: colour, second: other, third: anyColour(random), bump, bumpScale }
  const kind = random.uniform()
  if (kind < 0.45) {
    const second = scaled(colour, random.uniform(0.8, 1.2))
    return material(random, { ...common, pattern: Pattern.carpet, second, scale: random.uniform(0.008, 0.03) })
  }
  if (kind < 0.6) return material(random, { ...common, pattern: Pattern.stripes, scale: random.uniform(0.03, 0.25) })
  if (kind < 0.75) return material(random, { ...common, pattern: Pattern.plaid, scale: random.uniform(0.04, 0.3) })
  if (kind < 0.9) return material(random, { ...common, pattern: Pattern.motif, scale: random.uniform(0.05, 0.3) })
  return material(random, { ...common, pattern: Pattern.blotches, scale: random.uniform(0.04, 0.3) })
}

export function wallMaterial(random: Random, kinds: 'dry' | 'wet' = 'dry'): Material {
  const colour = wallColour(random)
  const kind = random.uniform()
  if (kinds === 'wet' && kind < 0.7) {
    const scale = random.uniform(0.08, 0.4)
    return material(random, {
      pattern: Pattern.tiles,
      base: colour,
      second: scaled(colour, random.uniform(0.5, 1.4)),
      third: hsv(0.1, 0.05, random.uniform(0.3, 0.9)),
      scale,
      scale2: random.chance(0.5) ? scale : scale * random.uniform(0.4, 2),
      gloss: random.uniform(0.2, 0.8),
      mirror: random.uniform(0, 0.06),
    })
  }
  if (kind < 0.55) {
    const bump = random.chance(0.4) ? random.uniform(0.02, 0.12) : 0
    return material(random, {
      base: colour,
      scale: random.uniform(0.3, 1.5),
      bump,
      bumpScale: random.uniform(0.02, 0.1),
    })
  }
  if (kind < 0.68) {
    const second = random.chance(0.7) ? scaled(colour, random.uniform(0.6, 1.3)) : wallColour(random)
    return material(random, { pattern: Pattern.stripes, base: colour, second, scale: random.uniform(0.06, 0.5) })
  }
  if (kind < 0.8) {
    const second = random.chance(0.6) ? scaled(colour, random.uniform(0.5, 1.5)) : anyColour(random)
    return material(random, { pattern: Pattern.motif, base: colour, second, scale: random.uniform(0.08, 0.5) })
  }
  if (kind < 0.88) {
    const base = random.chance(0.4)
      ? colour
      : hsv(random.uniform(0.01, 0.07), random.uniform(0.3, 0.7), random.uniform(0.35, 0.75))
    const third = hsv(0.1, 0.08, random.uniform(0.35, 0.85))
    return material(random, {
      pattern: Pattern.brick,
      base,
      second: scaled(base, 0.65),
      third,
      scale: 0.25,
      bump: 0.15,
      bumpScale: 0.04,
    })
  }
  if (kind < 0.94) {
    const base = random.chance(0.5) ? woodColour(random) : colour
    const scale = random.uniform(0.08, 0.2)
    return material(random, {
      pattern: Pattern.ribs,
      base,
      second: scaled(base, 0.6),
      scale,
      gloss: random.uniform(0, 0.3),
    })
  }
  const second = scaled(colour, random.uniform(0.6, 0.95))
  return material(random, {
    pattern: Pattern.blotches,
    base: colour,
    second,
    third: mix(colour, second, 0.5),
    scale: random.uniform(0.2, 1),
  })
}

/** Square tiles of a hung ceiling. */
export function ceilingTiles(random: Random, base: Rgb): Material {
  return material(random, {
    pattern: Pattern.tiles,
    base,
    second: scaled(base, 0.93),
    third: scaled(base, 0.6),
    scale: 0.6,
    scale2: 0.6,
  })
}

export function floorMaterial(random: Random, kinds: 'dry' | 'wet' = 'dry'): Material {
  const kind = random.uniform() + (kinds === 'wet' ? 0.45 : 0)
  if (kind < 0.45) {
    const base = woodColour(random)
    return material(random, {
      pattern: Pattern.planks,
      base,
      second: scaled(base, random.uniform(0.55, 0.85)),
      third: scaled(base, random.uniform(0.1, 0.6)),
      scale: random.uniform(0.06, 0.2),
      scale2: random.uniform(0.5, 1.8),
      gloss: random.uniform(0.05, 0.6),
      mirror: random.chance(0.5) ? random.uniform(0.02, 0.09) : 0,
    })
  }
  if (kind < 0.7 || kinds === 'wet') {
    const base = random.chance(0.7)
      ? hsv(random.uniform(0.03, 0.16), random.uniform(0, 0.35), random.uniform(0.3, 0.92))
      : anyColour(random)
    const scale = random.uniform(0.15, 0.6)
    return material(random, {
      pattern: Pattern.tiles,
      base,
      second: random.chance(0.3) ? anyColour(random) : scaled(base, random.uniform(0.75, 1.1)),
      third: hsv(0.1, 0.05, random.uniform(0.2, 0.8)),
      scale,
      scale2: random.chance(0.7) ? scale : scale * random.uniform(0.5, 2),
      gloss: random.uniform(0.1, 0.7),
      mirror: random.chance(0.5) ? random.uniform(0.02, 0.1) : 0,
    })
  }
  if (kind < 0.93) {
    const base = random.chance(0.6)
      ? hsv(random.uniform(), random.uniform(0, 0.25), random.uniform(0.2, 0.8))
      : hsv(random.uniform(), random.uniform(0.2, 0.8), random.uniform(0.2, 0.7))
    return material(random, {
      pattern: Pattern.carpet,
      base,
      second: scaled(base, random.uniform(0.5, 0.85)),
      scale: random.uniform(0.01, 0.05),
    })
  }
  const base = hsv(random.uniform(0.05, 0.6), random.uniform(0, 0.1), random.uniform(0.35, 0.8))
  const second = scaled(base, random.uniform(0.5, 0.9))
  return material(random, {
    pattern: Pattern.speckle,
    base,
    second,
    third: scaled(base, 1.3),
    scale: random.uniform(0.01, 0.05),
    gloss: 0.3,
    mirror: 0.04,
  })
}

/** A picture painted once over a face: a print, a poster, the cover of a book. */
export function picture(random: Random): Material {
  return material(random, {
    pattern: Pattern.picture,
    base: anyColour(random),
    second: anyColour(random),
    third: anyColour(random),
    gloss: random.uniform(0, 0.4),
  })
}

/** A sheet of paper with lines of text. */
export function paper(random: Random): Material {
  return material(random, {
    pattern: Pattern.paper,
    base: hsv(0.12, random.uniform(0, 0.1), random.uniform(0.85, 0.98)),
    second: hsv(0, 0, 0.15),
    third: anyColour(random),
  })
}

/** The materials that a room's furniture shares, so that the pieces match. */
export interface Style {
  readonly wood: number
  readonly wood2: number
  readonly paint: number
  readonly front: number
  readonly fabric: number
  readonly fabric2: number
  readonly metal: number
  readonly dark: number
  readonly white: number
  readonly top: number
}

export function drawStyle(random: Random, add: (m: Material) => number): Style {
  const front = random.chance(0.5)
    ? hsv(random.uniform(0, 0.2), random.uniform(0, 0.15), random.uniform(0.6, 0.95))
    : random.chance(0.35)
      ? anyColour(random)
      : woodColour(random)
  const top = anyColour(random)
  return {
    wood: add(wood(random)),
    wood2: add(wood(random)),
    paint: add(paint(random)),
    front: add(
      material(random, {
        pattern: Pattern.panels,
        base: front,
        second: scaled(front, random.uniform(0.6, 0.9)),
        third: hsv(0.1, 0.1, random.uniform(0.1, 0.8)),
        scale: random.uniform(0.35, 0.6),
        scale2: random.uniform(0.4, 0.8),
        gloss: random.uniform(0.05, 0.5),
      }),
    ),
    fabric: add(fabric(random)),
    fabric2: add(fabric(random)),
    metal: add(metal(random)),
    dark: add(paint(random, hsv(random.uniform(), random.uniform(0, 0.3), random.uniform(0.05, 0.25)), 0.4)),
    white: add(paint(random, hsv(0.1, 0.03, random.uniform(0.75, 0.95)), 0.3)),
    top: add(
      random.chance(0.5)
        ? wood(random)
        : material(random, {
            pattern: Pattern.speckle,
            base: top,
            second: scaled(top, 0.5),
            third: scaled(top, 1.6),
            scale: random.uniform(0.006, 0.03),
            gloss: random.uniform(0.3, 0.9),
            mirror: random.uniform(0.02, 0.12),
          }),
    ),
  }
}
