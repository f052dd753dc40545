/** The process that decodes photos for a `DecoderProcess`, until its standard input is closed. */
import type { RgbImage } from '../image/types.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { readFrames, writeFrame } from '../support/frames.ts'
import { decodeImage } from './decode.ts'
import type { DecodeAnswer, DecodeRequest } from './decoder-protocol.ts'

// A terminal sends signals to every process. The owner decides when this one ends, by closing its input.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.stdout.on('error', () => process.exit()) // the owner is gone

for await (const { about, bytes } of readFrames(process.stdin)) void answer(about as DecodeRequest, bytes)

async function answer({ id, path, name }: DecodeRequest, bytes: Uint8Array): Promise<void> {
  let image: RgbImage
  try {
    image = await decodeImage(path ?? bytes, { name })
  } catch (error) {
    const kind = error instanceof DarError ? error.kind : null
    return writeFrame(process.stdout, { id, failure: { message: messageOf(error), kind } } satisfies DecodeAnswer)
  }
  const { data, ...known } = image
  await writeFrame(process.stdout, { id, image: known } satisfies DecodeAnswer, data)
}
