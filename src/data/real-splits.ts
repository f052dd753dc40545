/**
 * The hold-outs of the three small real sets that dar-nano is trained and judged on, as data, so that training,
 * evaluation and the model card cannot disagree.
 *
 * - rgbdd (RGB-D-D, 321 frames, 12 days of capture): four days, 54 frames, 17 %: furnished rooms with and without people
 *   (17 May), people before a red curtain (31 May), pots of plants on shelves and before curtains (3 and 5 July). Rooms
 *   return on other days with other people and things in them, so this measures new pictures, not a new building.
 * - hololens (a walk through an office, 145 frames): the last fifth of the walk.
 * - kitchen (7-Scenes RedKitchen, 125 frames of one scene): two blocks, a fifth of the frames. The camera returns to the
 *   same corners, so this measures new views of a known kitchen.
 */
import type { SplitRule } from './split.ts'

export const REAL_SETS = ['rgbdd', 'hololens', 'kitchen'] as const
export type RealSet = (typeof REAL_SETS)[number]

export const REAL_SPLITS: Readonly<Record<RealSet, SplitRule>> = {
  rgbdd: { kind: 'prefix', heldOut: ['20200517', '20200531', '20200703', '20200705'] },
  hololens: { kind: 'tail', fraction: 0.2, gap: 4 },
  kitchen: { kind: 'blocks', blocks: 2, fraction: 0.2, gap: 4 },
}
