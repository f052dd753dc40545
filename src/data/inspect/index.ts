/** Inspection of a data set: figures, suspicions, a contact sheet. */
export type { HistogramBar } from './depth-statistics.ts'
export { type Broken, type Inspection, type InspectOptions, inspectDataset } from './inspect.ts'
export type { SheetScale } from './sheet.ts'
