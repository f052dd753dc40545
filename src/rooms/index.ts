/**
 * The ROOMS room: procedural indoor scenes. A seed gives a furnished room, a viewpoint, an RGB photo and its exact
 * depth. With a folder of furniture catalogues, the furniture comes from there. See README.md.
 */
export { FURNITURE_MEGABYTES, type Furniture, type FurnitureOptions, openFurniture } from './catalogue/index.ts'
export { type RenderedRoom, type RoomOptions, renderHome, renderRoom } from './render-room.ts'
export { createRoomRenderer, type FurnishedRoomOptions, type RoomRenderer } from './renderer.ts'
