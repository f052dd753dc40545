/**
 * The PREDICT room: from the pixels of a photo to a depth map in metres, on any engine that runs graphs. Files and
 * threads, which need Node, are in node/.
 */
export {
  type AlignableMap,
  type AlignedMap,
  type AlignOptions,
  type AlignResiduals,
  type AlignSpace,
  alignDepth,
  applyAlignment,
  type DepthAlignment,
  type DepthPoint,
  fitAlignmentTo,
  pointsOfDepth,
} from './align.ts'
export {
  createDepthModel,
  DepthModel,
  type ManyOptions,
  type ManyResult,
  type ModelDescription,
  type Workplace,
} from './depth-model.ts'
export type { MapFacts } from './facts.ts'
export { OpenStreams, type StreamRequest } from './open-streams.ts'
export { type Answer, type Job, Pipeline, type PipelineModel, type StepAnswer } from './pipeline.ts'
export { describeTree, type NamedTensor, pixelTree, type TreeStep, treeOutputs } from './pixel-tree.ts'
export { checkTiles, predictTiled, type TiledMap, type TiledModel } from './predict-tiled.ts'
export { predictionOutputs } from './prediction-graph.ts'
export type { GraphRun, RunnableGraph, Runner } from './runner.ts'
export { listed, networkSize, parseSize, type SizedModel, sizeText } from './size.ts'
export { describeStored, type StoredDescription, type StoredModel, storedConfig } from './stored-model.ts'
export type * from './types.ts'
