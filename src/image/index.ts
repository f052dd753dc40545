/**
 * Pixels: files in and out, resizing, colours, legends, contact sheets, cameras.
 *
 * `decode.ts` and `png16.ts` need sharp, so this index is for Node; browser code imports the other files one by one, which
 * reach nothing but each other, `support/errors.ts` and d3-scale-chromatic.
 */
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
export { decodeDepthPng, decodeImage } from './decode.ts'
export { DESCENT, drawText, fitText, LETTER_HEIGHT, textWidth } from './font.ts'
export { type LegendOptions, withLegend } from './legend.ts'
export * from './normalise.ts'
export * from './npy.ts'
export { encodeDepthPng, encodePngRgb } from './png16.ts'
export { resizeBilinear, resizeImage, resizeNearestDepth, resizeRgb, toPlanes } from './resize.ts'
export type * from './types.ts'
