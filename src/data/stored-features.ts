/** The maps of an encoder that lie on disk, one file a frame, in place of the frame's picture. */
import { readWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'

/** The maps by name, in a file and in a step's graph. */
export const TAPS = ['tap0', 'tap1', 'tap2', 'tap3'] as const

/** Plain data, so that it can be sent to worker threads. */
export interface StoredFeatures {
  /** The file of a frame, by the frame's name. */
  readonly files: Readonly<Record<string, string>>
  /** Values of each map, of one image. */
  readonly lengths: readonly number[]
}

/**
 * The maps of some frames, one after the other: an array for each map. Throws a DarError that names the file which is damaged or of
 * another size.
 */
export async function readFeatures(
  { files, lengths }: StoredFeatures,
  names: readonly string[],
): Promise<Float32Array<ArrayBuffer>[]> {
  const maps = lengths.map((length) => new Float32Array(names.length * length))
  await Promise.all(
    names.map(async (name, j) => {
      const path = files[name]
      if (path === undefined) throw new Error(`internal error: ${name} has no features`)
      const { values } = await readWeights(path)
      lengths.forEach((length, i) => {
        const map = values.get(TAPS[i])
        if (map?.length !== length)
          throw new DarError(`${path}: the features of ${name} are of another size; delete the file`, { kind: 'model' })
        maps[i].set(map, j * length)
      })
    }),
  )
  return maps
}
