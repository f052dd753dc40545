/**
 * What `predict` returns. Its own properties are the data, so that `structuredClone` copies it; what makes points and files of it are
 * methods of the class.
 *
 * Colours of points are the photo's. A result does not hold its pixels: the photo is read again when they are needed.
 */
import { type PointCloud, toPointCloud } from '../formats/point-cloud.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { refuseUnknown } from '../support/options.ts'
import type { DepthResult, Focal, ModelName, ResultPointOptions, SaveOptions, Size, StepMap, Timing } from './types.ts'

/** The data of a result. */
export type ResultData = Omit<DepthResult, 'toPointCloud' | 'save'>

/** What a result needs besides its data. */
export interface ResultTools {
  /** The photo's pixels, read again. */
  photo(): Promise<RgbImage>
  /** Writes a file; absent where there are none. */
  readonly save?: (
    result: DepthResult,
    photo: () => Promise<RgbImage>,
    path: string,
    options: SaveOptions,
  ) => Promise<void>
}

const SAVE_OPTIONS: Readonly<Record<keyof SaveOptions, true>> = {
  image: true,
  png: true,
  picture: true,
  map: true,
  near: true,
  far: true,
  stride: true,
  steepest: true,
}

export class Result implements DepthResult {
  readonly width!: number
  readonly height!: number
  readonly depth!: Float32Array
  readonly data!: Float32Array
  readonly sigma!: Float32Array | null
  readonly steps!: readonly StepMap[]
  readonly valid!: Uint8Array
  readonly unit!: 'metre' | 'relative'
  readonly min!: number
  readonly max!: number
  readonly intrinsics!: Intrinsics
  readonly focal!: Focal
  readonly networkSize!: Size
  readonly milliseconds!: Timing
  readonly warnings!: readonly string[]
  readonly model!: ModelName
  readonly #tools: ResultTools

  constructor(data: ResultData, tools: ResultTools) {
    Object.assign(this, data)
    this.#tools = tools
  }

  async toPointCloud({ colours = true, ...options }: ResultPointOptions = {}): Promise<PointCloud> {
    if (this.unit === 'relative')
      throw new DarError(
        `${this.model.name} predicts relative depth, which has no metres: there are no points to make of it`,
      )
    const rgb = colours ? await this.#tools.photo() : undefined
    return toPointCloud(this.#measured(), this.intrinsics, { rgb, ...options })
  }

  async save(path: string, options: SaveOptions = {}): Promise<void> {
    refuseUnknown(options, SAVE_OPTIONS, 'save')
    const { save, photo } = this.#tools
    if (!save)
      throw new DarError(`${path} is not written: there are no files here; encode the map and hand over its bytes`, {
        kind: 'output',
      })
    await save(this, photo, path, options)
  }

  /** Without the pixels that are not valid. */
  #measured(): DepthImage {
    const { width, height, data, valid } = this
    if (valid.every((flag) => flag === 1)) return this
    return { width, height, data: data.map((metres, i) => (valid[i] === 1 ? metres : 0)) }
  }
}
