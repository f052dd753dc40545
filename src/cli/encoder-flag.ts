/**
 * `--encoder FILE|hub:owner/name[@revision][/file]`, the same for every verb that has it. Gives the path of a local
 * file.
 */
import { hubFile, isHubReference } from '../hub/index.ts'
import { createProgress, type Progress } from '../support/progress.ts'

export const ENCODER_HELP = 'pretrained weights: a .safetensors file, or hub:owner/name[@revision][/file]'

export interface EncoderFlags {
  readonly encoder?: string
  /** Use the network for nothing. */
  readonly offline?: boolean
  readonly json?: boolean
}

/** Downloads where it must, with progress in megabytes; undefined when the flag was not given. */
export async function encoderPath({ encoder, offline, json }: EncoderFlags): Promise<string | undefined> {
  if (encoder === undefined || !isHubReference(encoder)) return encoder
  const megabytes = (bytes: number) => Math.ceil(bytes / 1e6)
  const shown: Progress[] = [] // made at the first bytes, because the size is known only then
  try {
    return await hubFile(encoder, {
      ...(offline && { network: 'forbidden' as const }),
      onProgress: (done, total) => {
        const from = megabytes(done)
        if (shown.length === 0) shown.push(createProgress({ label: 'MB', total: megabytes(total), from, silent: json }))
        shown[0].update(megabytes(done), encoder)
      },
    })
  } finally {
    shown[0]?.done()
  }
}
