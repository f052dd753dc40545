/** What the page shows, in one place: parts of the page read it and are told which fields changed. */
import type { ColorMapName } from '../../src/image/colormap.ts'
import type { NetworkMaps, TreeStep } from '../../src/predict/index.ts'

export type View = 'depth' | 'sigma' | 'cloud' | 'models'

/** A picture that is shown. */
export interface Photo {
  readonly name: string
  /** The bytes of its file; null for a frame of the webcam, which is only pixels. */
  readonly bytes: Uint8Array | null
  readonly pixels: { readonly width: number; readonly height: number; readonly data: Uint8Array } | null
  /** For the eye: upright, at most 1280 pixels long. */
  readonly preview: HTMLCanvasElement
  /** Of the photo itself, upright. */
  readonly width: number
  readonly height: number
}

/** A place in the photo, in its pixels. */
export interface Place {
  readonly x: number
  readonly y: number
}

export interface State {
  readonly photo: Photo | null
  readonly modelName: string
  readonly otherName: string
  /** Of the photo by the chosen model; null until its first step is there. */
  readonly maps: ShownMaps | null
  /** The same by the other model. */
  readonly otherMaps: NetworkMaps | null
  /** Counts from 1. */
  readonly step: number
  readonly view: View
  readonly colours: ColorMapName
  readonly picked: Place | null
  readonly tree: readonly TreeStep[] | null
  /** Pixels of the photo, chosen by hand; null: the photo's own or the usual one. */
  readonly focal: number | null
  readonly live: boolean
}

/** Maps of a photo, whose `steps` may be those that are ready so far. */
export interface ShownMaps extends NetworkMaps {
  /** Number of steps that there will be. */
  readonly of: number
}

type Changed = (name: keyof State) => boolean

export class Store {
  private readonly listeners: ((state: State, changed: Changed) => void)[] = []

  constructor(public state: State) {}

  set(change: Partial<State>): void {
    const before = this.state
    const after = { ...before, ...change }
    this.state = after
    const changed: Changed = (name) => before[name] !== after[name]
    for (const listener of this.listeners) listener(after, changed)
  }

  /** Called after every change, and once now, when everything counts as changed. */
  watch(listener: (state: State, changed: Changed) => void): void {
    this.listeners.push(listener)
    listener(this.state, () => true)
  }
}

/** The map of the chosen step; a webcam frame has only the last. */
export function stepOf(maps: NetworkMaps, step: number) {
  return maps.steps[step - 1] ?? maps
}
