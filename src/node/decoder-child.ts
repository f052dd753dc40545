/** The process that decodes photos for a `DecoderProcess`, until its standard input is closed. */
import { DarError, messageOf } from '../support/errors.ts'
import { readFrames, writeFrame } from '../support/frames.ts'
import { memoryKeeper } from '../support/free-memory.ts'
import { decodeHeader, decodeImage } from './decode.ts'
import type { DecodeAnswer, DecodeRequest } from './decoder-protocol.ts'

// A terminal sends signals to every process. The owner decides when this one ends, by closing its input.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.stdout.on('error', () => process.exit()) // the owner is gone

const keepMemory = await memoryKeeper()

for await (const { about, bytes } of readFrames(process.stdin)) void answer(about as DecodeRequest, bytes)

async function answer(request: DecodeRequest, given: Uint8Array): Promise<void> {
  const [about, bytes] = await answerTo(request, given)
  await writeFrame(process.stdout, about, bytes)
  keepMemory()
}

async function answerTo(
  { id, want, path, name }: DecodeRequest,
  given: Uint8Array,
): Promise<readonly [DecodeAnswer, Uint8Array?]> {
  const source = path ?? given
  try {
    if (want === 'header') return [{ id, header: await decodeHeader(source, { name }) }]
    const { data, ...image } = await decodeImage(source, { name })
    return [{ id, image }, data]
  } catch (error) {
    const kind = error instanceof DarError ? error.kind : null
    return [{ id, failure: { message: messageOf(error), kind } }]
  }
}
