/**
 * The VIDEO room: the depth of a video as a video. Decoding and encoding are ffmpeg's, over pipes; the smoothing from frame to frame,
 * the cuts and the pictures are ours (smooth.ts, cut.ts and picture.ts use no Node).
 */
export { CUT_DISTANCE, colourHistogram, histogramDistance, isCut } from './cut.ts'
export {
  checkOutputs,
  type DepthVideoOptions,
  depthVideo,
  steadier,
  type VideoOutputs,
  type VideoReport,
} from './depth-video.ts'
export { VIDEO_ENDINGS } from './encode.ts'
export { inOrder } from './in-order.ts'
export { lumaGrid } from './luma.ts'
export { parseRate, type Rate } from './rate.ts'
export {
  SMOOTHING,
  type Smoothed,
  type SmoothInput,
  type SmoothOptions,
  type SmoothState,
  smoothFrame,
} from './smooth.ts'
export { type FrameSource, openSource, type SourceOptions, stemOf } from './source.ts'
