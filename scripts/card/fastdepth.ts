/**
 * FastDepth (Wofk et al., ICRA 2019), the peer that dar-nano is measured against: 1.35 M weights, trained on NYU Depth v2,
 * as an ONNX file with input `image` 1×3×224×224, RGB in [0, 1], and output `depth` 1×1×224×224, metres. It sees the
 * centre box of the image (src/eval/protocol.ts), whose edges lie between pixels, squashed to 224×224 bilinearly with antialias.
 */
import { join } from 'node:path'
import ort from 'onnxruntime-node'
import type { Prediction } from '../../src/eval/index.ts'
import { peerBox } from '../../src/eval/protocol.ts'
import { toPlanes } from '../../src/image/resize.ts'
import type { RgbImage } from '../../src/image/types.ts'
import { assert, DarError, messageOf } from '../../src/support/errors.ts'

const SIDE = 224

export interface FastDepth {
  /** Metres; `covers` says which part of the image. */
  predict(image: RgbImage): Promise<Prediction>
  dispose(): Promise<void>
}

/** Loads `fastdepth.onnx` from a folder. Throws a DarError when it is not there or does not load. */
export async function loadFastDepth(folder: string, { threads = 2 }: { threads?: number } = {}): Promise<FastDepth> {
  const path = join(folder, 'fastdepth.onnx')
  const session = await ort.InferenceSession.create(path, {
    intraOpNumThreads: threads,
    // As in our own sessions: else its threads spin for 50 ms after a run, and whoever is timed next pays for it.
    extra: { session: { force_spinning_stop: '1' } },
  }).catch((error: unknown) => {
    throw new DarError(`cannot load ${path}: ${messageOf(error)}; name the folder that holds fastdepth.onnx`)
  })
  return {
    async predict(image) {
      const covers = peerBox(image.width, image.height)
      const planes = toPlanes(image, SIDE, SIDE, { crop: covers })
      const { depth } = await session.run({ image: new ort.Tensor('float32', planes, [1, 3, SIDE, SIDE]) })
      assert(depth.data instanceof Float32Array, 'FastDepth gives float32')
      return { width: SIDE, height: SIDE, data: depth.data, covers }
    },
    dispose: () => session.release(),
  }
}
