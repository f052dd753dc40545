/** The TRAIN room: recipes, the training loop and its parts. */

export { bestModelPath, checkpointPath, modelPath } from './checkpoint.ts'
export { ALONE, type BatchPlace, batchNumber, type Collective } from './collective.ts'
export type { Distil, DistilWeights, TeacherModel } from './distil.ts'
export { type InitialModelOptions, layoutOfModel, writeInitialModel } from './initial-model.ts'
export type { BestMetric } from './keep.ts'
export {
  type DataSize,
  HOLES,
  type MemoryItems,
  RUNTIME,
  type RunCost,
  runMemory,
  type Sharing,
  totalOf,
} from './memory.ts'
export type { PartNorms } from './norms.ts'
export { type AdamOptions, updateOutputs } from './optimiser.ts'
export type { Entry, Layout } from './parameters.ts'
export { type Plan, type PlannedData, type PlannedShape, type PlannedStage, type PlanOptions, planRun } from './plan.ts'
export {
  type DatasetData,
  type DatasetOptions,
  nameOfData,
  parseRecipe,
  type Recipe,
  type RoomsData,
  type Shape,
  type Stage,
} from './recipe.ts'
export { loadRecipe, ownRecipes } from './recipe-file.ts'
export type { CommunicationSpent, CommunicationTime, TrainEvent, TrainResult } from './run-log.ts'
export { rateAt, type Schedule } from './schedule.ts'
export { applySettings } from './settings.ts'
export { OVERLAPS, type Overlap } from './staged-step.ts'
export type { StartingFiles } from './starting-weights.ts'
export { trainingOutputs } from './step-program.ts'
export { type TrainOptions, train } from './trainer.ts'
export type { SetFigures } from './validate.ts'
export { withTeacher } from './with-teacher.ts'
