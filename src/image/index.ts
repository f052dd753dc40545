/** The IMAGE room: pixels as numbers. Resizing, cameras, colours, legends, contact sheets, npy. Files are in node/. */
export * from './camera.ts'
export { blankImage, fillRectangle, paste, type Rgb } from './canvas.ts'
export {
  COLOR_MAPS,
  type ColorMapName,
  type ColourScale,
  colorTable,
  colourise,
  DEFAULT_SCALE,
  depthRange,
  INVALID_COLOUR,
} from './colormap.ts'
export { type Cell, contactSheet, sideBySide } from './compose.ts'
export { DESCENT, drawText, fitText, LETTER_HEIGHT, textWidth } from './font.ts'
export { type LegendOptions, withLegend } from './legend.ts'
export * from './npy.ts'
export { type Crop, resizeBilinear, resizeImage, resizeNearestDepth, resizeRgb, toPlanes } from './resize.ts'
export { type Channels, copyAsRgb } from './rgb.ts'
export type * from './types.ts'
export {
  cameraOf,
  type Shot,
  scaleIntrinsics,
  type View,
  type ViewOptions,
  viewOf,
  viewScale,
  wholeView,
} from './view.ts'
