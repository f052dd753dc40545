/** For tests of the server: a tiny model, a photo, an app, and a model whose answers wait until they are let go. */
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { loadModel } from '../node/index.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import type { DepthMap, ImageInput, PredictOptions } from '../predict/types.ts'
import type { ServedModel } from './served-model.ts'

export const WIDTH = 100
export const HEIGHT = 75

interface TinyServed {
  readonly model: DepthModel
  readonly file: string
  /** A JPEG of WIDTH × HEIGHT. */
  readonly photo: Uint8Array<ArrayBuffer>
}

/** A loaded model for all tests of the file. */
export function tinyServed(): TinyServed {
  const served = {} as { -readonly [Key in keyof TinyServed]: TinyServed[Key] }
  beforeAll(async () => {
    served.file = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
    served.model = await loadModel(served.file, { threads: 1 })
    served.photo = await jpegOf(WIDTH, HEIGHT)
  })
  afterAll(() => served.model?.dispose())
  return served
}

/** What the library gives for the photo, asked as the server asks: with a signal, the network runs step by step. */
export function predicted({ model, photo }: TinyServed, options: PredictOptions = {}): Promise<DepthMap> {
  return model.predict(photo, { ...options, signal: new AbortController().signal })
}

export async function jpegOf(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => 128 + 100 * Math.sin(i / 50))
  return new Uint8Array(
    await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg()
      .toBuffer(),
  )
}

/** A model that answers only when it is let go. */
export class HeldModel implements ServedModel {
  readonly name: string
  readonly config: ServedModel['config']
  readonly batch = 1
  /** Requests that have reached the model. */
  asked = 0
  /** Theirs. */
  readonly signals: PredictOptions['signal'][] = []
  private open = () => {}
  private readonly gate = new Promise<void>((resolve) => {
    this.open = resolve
  })
  private readonly watchers: (() => void)[] = []

  constructor(private readonly model: ServedModel) {
    this.name = model.name
    this.config = model.config
  }

  async predict(image: ImageInput, options: PredictOptions): Promise<DepthMap> {
    this.asked++
    this.signals.push(options.signal)
    for (const look of this.watchers) look()
    await this.gate
    return this.model.predict(image, options)
  }

  /** Resolves when so many requests have reached the model. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.asked >= count) resolve()
      }
      this.watchers.push(look)
      look()
    })
  }

  /** Answers all that wait, and from now on at once. */
  release(): void {
    this.open()
  }
}
