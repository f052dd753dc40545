/** The TRAIN room: recipes, the training loop and what it is made of. */
export { checkpointPath, modelPath } from './checkpoint.ts'
export { type InitialModelOptions, layoutOfModel, writeInitialModel } from './initial-model.ts'
export { type AdamOptions, AdamW } from './optimiser.ts'
export type { FolderData, Recipe, RoomsData, Stage } from './recipe.ts'
export { loadRecipe, ownRecipes } from './recipe-file.ts'
export { rateAt, type Schedule } from './schedule.ts'
export { type TrainEvent, type TrainOptions, type TrainResult, train } from './trainer.ts'
export type { SetFigures } from './validate.ts'
