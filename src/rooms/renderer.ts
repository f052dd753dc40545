/** Renders rooms with or without furniture of a folder, which is opened once. For whoever renders many. */
import { type Furniture, openFurniture } from './catalogue/index.ts'
import { type RenderedRoom, type RoomOptions, renderHome, renderRoom } from './render-room.ts'

export interface FurnishedRoomOptions extends RoomOptions {
  /** Folder of `.sh3f` catalogues; without one, rooms are furnished with what this program builds itself. */
  readonly furniture?: string
}

export type RoomRenderer = (options: FurnishedRoomOptions) => Promise<RenderedRoom>

/** Rejects with a DarError as `openFurniture`, `renderRoom` and `renderHome` throw. */
export function createRoomRenderer(): RoomRenderer {
  const opened = new Map<string, Promise<Furniture>>()
  return async ({ furniture: folder, ...options }) => {
    if (folder === undefined) return renderRoom(options)
    const furniture = opened.get(folder) ?? openFurniture(folder)
    opened.set(folder, furniture)
    return renderHome(await furniture, options)
  }
}
