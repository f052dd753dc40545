/**
 * The hold-outs of the small sets that dar-nano is trained and judged on, as data, so that training,
 * evaluation and the model card cannot disagree.
 *
 * - rgbdd (RGB-D-D, 321 frames, 12 days of capture): four days, 54 frames, 17 %: furnished rooms with and without people
 *   (17 May), people before a red curtain (31 May), pots of plants on shelves and before curtains (3 and 5 July). Rooms
 *   return on other days with other people and things in them, so this measures new pictures, not a new building.
 * - hololens (a walk through an office, 145 frames): the last fifth of the walk.
 * - kitchen (7-Scenes RedKitchen, 125 frames of one scene): two blocks, a fifth of the frames. The camera returns to the
 *   same corners, so this measures new views of a known kitchen.
 * - tum (hand-held Kinect; one desk, one cabinet): the cabinet, another place.
 * - office (RealSense and others): the corridors and doors of one source and the classroom of another.
 * - tabletop (arrangements on tables): two of three sources.
 * - furnished (rendered homes with real furniture): its last homes.
 */
import type { SplitRule } from './split.ts'

/** The hold-outs of every set that training may use, by the name of its folder. */
export const SPLITS: Readonly<Record<string, SplitRule>> = {
  rgbdd: { kind: 'prefix', heldOut: ['20200517', '20200531', '20200703', '20200705'] },
  hololens: { kind: 'tail', fraction: 0.2, gap: 4 },
  kitchen: { kind: 'blocks', blocks: 2, fraction: 0.2, gap: 4 },
  tum: { kind: 'prefix', heldOut: ['tum_fr3_cabinet'] },
  office: { kind: 'prefix', heldOut: ['lingbot', 'classroom'] },
  tabletop: { kind: 'prefix', heldOut: ['tabletop_nv', 'ycbv'] },
  furnished: { kind: 'tail', fraction: 0.1, gap: 4 },
}

/** The three sets on which published figures of other models were repeated. */
export const REAL_SETS = ['rgbdd', 'hololens', 'kitchen'] as const
/** One of `REAL_SETS`. */
export type RealSet = (typeof REAL_SETS)[number]
