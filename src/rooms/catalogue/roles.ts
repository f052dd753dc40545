/**
 * The use of a piece of a catalogue: where it stands and what it belongs with. Catalogues give a name, a category and a
 * size. The words below are those of Sweet Home 3D's own catalogues in English.
 */
import type { Piece } from './sh3f.ts'

export const ROOMS = ['living', 'office', 'bedroom', 'kitchen', 'bathroom'] as const
export type HomeRoom = (typeof ROOMS)[number]

/** `any`: things for every room. */
const CATEGORY: Readonly<Record<string, HomeRoom | 'any' | 'people'>> = {
  'Living room': 'living',
  Office: 'office',
  Bedroom: 'bedroom',
  Kitchen: 'kitchen',
  Bathroom: 'bathroom',
  Miscellaneous: 'any',
  Lights: 'any',
  Characters: 'people',
}

/** Not of a home, or without a sensible place in one. */
const UNWANTED =
  /light source|shipping|socket|plug|switch|elevator|fence|railing|rail\b|mezzanine|street|triangle|park light|horse|chicken|room|staircase|christmas|tatami|chimney|garage|urinal|sliding doors|arrow|swimming|trampoline|goal|tent|cone|hut\b|pallet|forklift|barnum|screen door|water heater|boiler|furnace/

const SEAT = /chair|stool|class seat|puff|ottoman/
const TABLE = /table|desk|island/
const NO_TABLE = /bedside|tablet|dressing|tennis|changing|lamp|tablecloth|football|pool/
const SOFT = /sofa|couch|bed\b|futon|armchair|bath|toilet|basin|lavatory|shower|crib|mattress/
const AT_WALL =
  /sofa|couch|bookcase|shel|cabinet|dresser|desk|piano|fireplace|tv|television|radiator|wardrobe|cupboard|chest|trunk|trunck|locker|freezer|fridge|refrigerator|workbench|heater|box/
const NEVER_SMALL = /chair|stool|toilet|bidet|table|safe|chest|cabinet|oven|trash|dustbin|radiator/

/** Pieces by use. Lists keep the order of the catalogues. */
export interface Roles {
  /** Stand with their back to a wall, by room. */
  readonly atWall: Readonly<Record<HomeRoom, readonly Piece[]>>
  /** Stand anywhere on the floor, by room, and in any room. */
  readonly onFloor: Readonly<Record<HomeRoom | 'any', readonly Piece[]>>
  readonly tables: Readonly<Record<HomeRoom | 'any', readonly Piece[]>>
  readonly seats: Readonly<Record<HomeRoom | 'any', readonly Piece[]>>
  /** Lie on other things, by room, and in any room. */
  readonly small: Readonly<Record<HomeRoom | 'any', readonly Piece[]>>
  /** Hang on walls at their own elevation. */
  readonly hanging: Readonly<Record<HomeRoom | 'any', readonly Piece[]>>
  readonly ceilingLamps: readonly Piece[]
  readonly people: readonly Piece[]
}

type Lists = Record<HomeRoom | 'any', Piece[]>

export function sortByRole(pieces: readonly Piece[]): Roles {
  const lists = (): Lists => ({ living: [], office: [], bedroom: [], kitchen: [], bathroom: [], any: [] })
  const [atWall, onFloor, tables, seats, small, hanging] = [lists(), lists(), lists(), lists(), lists(), lists()]
  const ceilingLamps: Piece[] = []
  const people: Piece[] = []
  for (const piece of pieces) {
    const { name, width, depth, height, elevation } = piece
    const room = CATEGORY[piece.category]
    if (room === undefined || piece.opening || UNWANTED.test(name)) continue
    if (room === 'people') people.push(piece)
    else if (piece.category === 'Lights' && elevation > 1.6) {
      if (height < 1) ceilingLamps.push(piece)
    } else if (elevation > 0.28) {
      if (elevation + height < 2.6) hanging[room].push(piece)
    } else if (isSmall(piece)) {
      if (Math.max(width, depth, height) > 0.05) small[room].push(piece)
    } else if (width < 3.4 && depth < 2.6 && height < 2.4) {
      onFloor[room].push(piece)
      const seat = isSeat(piece)
      if (seat) seats[room].push(piece)
      if (isTable(piece)) tables[room].push(piece)
      if (!seat && (AT_WALL.test(name) || room === 'kitchen' || room === 'bathroom' || room === 'bedroom'))
        atWall[room].push(piece)
    }
  }
  return { atWall, onFloor, tables, seats, small, hanging, ceilingLamps, people }
}

function isSmall({ name, width, depth, height }: Piece): boolean {
  return Math.max(width, depth) < 0.6 && height < 0.75 && !NEVER_SMALL.test(name)
}

export function isSeat({ name, width }: Piece): boolean {
  return SEAT.test(name) && width < 0.8
}

export function isTable({ name }: Piece): boolean {
  return TABLE.test(name) && !NO_TABLE.test(name)
}

/** Seats and beds. Few things are put there, except cushions. */
export function isSoft({ name }: Piece): boolean {
  return SOFT.test(name)
}
