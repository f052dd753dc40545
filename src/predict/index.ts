/** The PREDICT room: from the pixels of a photo to a depth map in metres, wherever there is an engine to run graphs. */
export { predictionOutputs } from './prediction-graph.ts'
export { networkSize, parseSize } from './size.ts'
export type * from './types.ts'
