/** The EXPORT room: a model as a folder for other software, here `@huggingface/transformers` in Node and browsers. */
export { type ExportedSize, type ExportOptions, type ExportResult, exportModel } from './folder.ts'
export { exportGraph, type Precision } from './graph.ts'
