/**
 * The ROOMS room: procedural indoor scenes. A seed gives a furnished room, a viewpoint, an RGB photo of it and its exact depth;
 * with a folder of furniture catalogues, the furniture is theirs. See README.md.
 */
export { type Furniture, type FurnitureOptions, openFurniture } from './catalogue/index.ts'
export { type RenderedRoom, type RoomOptions, renderHome, renderRoom } from './render-room.ts'
export { createRoomRenderer, type FurnishedRoomOptions, type RoomRenderer } from './renderer.ts'
