/** The FINETUNE room: from a folder of photos and depth to a model that is better on them. */
export { COMPARED, type ComparedFigures } from './compare.ts'
export {
  type Compared,
  type Finetuned,
  type FinetuneOptions,
  type FinetunePlan,
  finetune,
  type PlanOptions,
  planFinetune,
} from './finetune.ts'
