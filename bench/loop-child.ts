/** The process of loop.ts: loads a model, predicts once in a fresh process, and prints the delays. */

import { loadModel } from '../src/node/index.ts'
import { delayWhile, type LoopDelay, wavePhoto } from './loop-delay.ts'

const { threads } = JSON.parse(process.argv[2]) as { threads: number }
const image = wavePhoto(640, 480)
const [model, loading] = await delayWhile(() => loadModel('dar-nano', { threads }))
const [, predicting] = await delayWhile(() => model.predict(image))
await model.dispose()
process.stdout.write(JSON.stringify({ loading, predicting } satisfies Record<string, LoopDelay>))
