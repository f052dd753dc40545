/** Renders many rooms, with or without the furniture of a folder, which is opened once. */
import { type Furniture, type FurnitureOptions, openFurniture } from './catalogue/index.ts'
import { type RenderedRoom, type RoomOptions, renderHome, renderRoom } from './render-room.ts'

export interface FurnishedRoomOptions extends RoomOptions {
  /** Folder of `.sh3f` catalogues. Without one, rooms have the built-in furniture. */
  readonly furniture?: string
}

export type RoomRenderer = (options: FurnishedRoomOptions) => Promise<RenderedRoom>

/** Rejects with the DarErrors of `openFurniture`, `renderRoom` and `renderHome`. */
export function createRoomRenderer({ keepMegabytes }: FurnitureOptions = {}): RoomRenderer {
  const opened = new Map<string, Promise<Furniture>>()
  return async ({ furniture: folder, ...options }) => {
    if (folder === undefined) return renderRoom(options)
    const furniture = opened.get(folder) ?? openFurniture(folder, { keepMegabytes })
    opened.set(folder, furniture)
    return renderHome(await furniture, options)
  }
}
