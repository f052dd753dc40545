/**
 * The DATA room: data sets in their published layouts (readers/), their inspection (inspect/), hold-outs, augmentation,
 * and batches made ahead of time in worker threads. Labels of samples and batches are in canonical metres
 * (image/camera.ts); frames are in true metres.
 */

export { cameraOf, viewScale, wholeView } from '../image/view.ts'
export { type RenderedRoom, type RoomOptions, renderRoom } from '../rooms/index.ts'
export { Random } from '../support/random.ts'
export { type Augmentation, augment, augmentationSchema, type Sample, type SampleSize, wholeFrame } from './augment.ts'
export { type Batch, type BatchMaker, type BatchOptions, CACHE_MEGABYTES, createBatchMaker } from './batch.ts'
export { type FolderDataset, type FolderOptions, folderDataset, photosDataset } from './folder.ts'
export {
  type Broken,
  type HistogramBar,
  type Inspection,
  type InspectOptions,
  inspectDataset,
  type SheetScale,
} from './inspect/index.ts'
export { createLoader, type Loader, type LoaderOptions, type LoadingOptions, PREFETCH } from './loader.ts'
export { type MakeRoomsOptions, makeRooms } from './make-rooms.ts'
export { namedDataset, subsetOf } from './named.ts'
export * from './readers/index.ts'
export { REAL_SETS, type RealSet, SPLITS } from './real-splits.ts'
export { type RoomsOptions, roomsDataset, UNSEEN_ROOMS, validationSeed } from './rooms-dataset.ts'
export {
  type DatasetSource,
  type RenderRoom,
  ROOM_POOL,
  ROOM_REUSE,
  type RoomsSource,
  type SourceSpec,
} from './sources.ts'
export {
  type BlockOptions,
  type PrefixOptions,
  type Split,
  type SplitRule,
  splitBlocks,
  splitByPrefix,
  splitNames,
  splitSchema,
  splitTail,
  type TailOptions,
} from './split.ts'
export type { StoredFeatures } from './stored-features.ts'
export type { Dataset, Frame, Incomplete, NamedDataset } from './types.ts'
