/** The baseline heads on the same encoder and neck (algorithm section 12), for comparisons at equal compute. */
export { dornHead } from './dorn.ts'
export { dptHead } from './dpt.ts'
export type { HeadOutput } from './head.ts'
export { ORD2SEQ_LEVELS, ord2seqHead } from './ord2seq.ts'
