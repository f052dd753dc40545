/**
 * The PRETRAINED room: public encoder weights. Reads them under their own names, and refuses files of
 * another model.
 */
export type { Origin } from './origin.ts'
export { PARTS, type Part, type PretrainedPlan } from './plan.ts'
export { openPretrained, type PretrainedFile } from './pretrained-file.ts'
export { type PretrainedReport, reportOf, reportText } from './report.ts'
export { SCHEMES, type Scheme } from './scheme.ts'
