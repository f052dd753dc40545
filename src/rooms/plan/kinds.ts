/** Kinds of rooms, and how large they are. */

export const KINDS = ['living', 'bedroom', 'kitchen', 'office', 'corridor', 'bathroom', 'studio', 'store'] as const
export type Kind = (typeof KINDS)[number]

/** Least and greatest width, least and greatest depth of the first rectangle of the plan, metres. */
export const SIZES: Record<Kind, readonly [number, number, number, number]> = {
  living: [3.2, 7, 3.2, 6.5],
  bedroom: [2.6, 4.6, 2.6, 4.4],
  kitchen: [2.2, 4.8, 2.2, 4.5],
  office: [2.6, 8, 2.8, 6.5],
  corridor: [1.1, 2.4, 4.5, 9.5],
  bathroom: [1.6, 3, 1.8, 3.2],
  studio: [2.4, 4.5, 2.6, 5],
  store: [2, 6, 2, 7],
}
