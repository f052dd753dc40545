/**
 * Where bodies become images and maps become bodies: in a thread of its own, because JSON and PNG of large maps would hold up
 * the event loop, and with it the answers of every other request. `inlineCodec` does the same in the calling thread, for tests
 * and other runtimes.
 */
import { z } from 'zod'
import { NativeThread } from '../runtime/thread.ts'
import { DarError } from '../support/errors.ts'
import { type EncodeJob, encodeMap } from './encode.ts'
import { type DepthBody, parseForm } from './form.ts'
import { encodeInfer, type InferAnswer, type InferCall, parseInfer } from './infer.ts'
import { fromBase64, parseJson } from './json-body.ts'
import { encodeStepEvent, type StepEvent } from './step-event.ts'

/** A JSON body of a depth request: the photo in base64, and its options beside it. */
export const depthJson = z.looseObject({
  image: z.string().min(1).describe('The bytes of a JPEG, PNG or WebP file, in base64'),
})

/** What each request of the codec gives. */
export interface Answers {
  readonly map: Uint8Array
  readonly step: Uint8Array
  readonly 'depth-json': DepthBody
  readonly form: DepthBody
  readonly infer: InferCall
  readonly 'infer-answer': { readonly bytes: Uint8Array; readonly headerLength: number | null }
}

export type CodecRequest =
  | { readonly kind: 'map'; readonly job: EncodeJob }
  | { readonly kind: 'step'; readonly step: StepEvent }
  | { readonly kind: 'depth-json'; readonly bytes: Uint8Array }
  | { readonly kind: 'form'; readonly bytes: Uint8Array; readonly contentType: string }
  | { readonly kind: 'infer'; readonly bytes: Uint8Array; readonly headerLength: number | null }
  | { readonly kind: 'infer-answer'; readonly answer: InferAnswer }

export type CodecAnswer = Answers[keyof Answers]

export interface Codec {
  /** Takes over the memory of arrays in the request. @throws DarError for a body that is wrong, with a message for the client. */
  do<Kind extends keyof Answers>(request: Extract<CodecRequest, { kind: Kind }>): Promise<Answers[Kind]>
  dispose(): Promise<void>
}

export async function runCodec(request: CodecRequest): Promise<CodecAnswer> {
  switch (request.kind) {
    case 'map':
      return encodeMap(request.job)
    case 'step':
      return encodeStepEvent(request.step)
    case 'depth-json': {
      const { value, long } = parseJson(depthJson, request.bytes)
      const { image, ...options } = value
      return { image: fromBase64(image, 'image', long), options }
    }
    case 'form':
      return parseForm(request.bytes, request.contentType)
    case 'infer':
      return parseInfer(request.bytes, request.headerLength)
    case 'infer-answer':
      return encodeInfer(request.answer)
  }
}

export const inlineCodec: Codec = {
  do: async <Kind extends keyof Answers>(request: Extract<CodecRequest, { kind: Kind }>) =>
    (await runCodec(request)) as Answers[Kind],
  dispose: async () => {},
}

/** A codec in a thread, which is replaced when it dies. */
export class ThreadCodec implements Codec {
  private thread = this.start()
  private disposed = false

  private start(): NativeThread<CodecRequest, CodecAnswer> {
    return new NativeThread('codec-thread', import.meta.url)
  }

  async do<Kind extends keyof Answers>(request: Extract<CodecRequest, { kind: Kind }>): Promise<Answers[Kind]> {
    if (!this.thread.isRunning && !this.disposed) this.thread = this.start()
    const { thread } = this
    try {
      return (await thread.call(request, transfers(request))) as Answers[Kind]
    } catch (error) {
      if (thread.isRunning) throw error
      throw new DarError('the thread that encodes ended', { kind: 'gone', cause: error })
    }
  }

  async dispose(): Promise<void> {
    this.disposed = true
    await this.thread.dispose()
  }
}

/** The memory of a request that moves to the thread: large arrays that nobody else reads. */
function transfers(request: CodecRequest): ArrayBuffer[] {
  if (request.kind === 'map') return buffersOf([request.job.depth, ...(request.job.photo ? [request.job.photo] : [])])
  if (request.kind === 'step') return buffersOf([request.step.depth])
  if (request.kind === 'infer-answer') return buffersOf(request.answer.outputs.map(({ data }) => data))
  return buffersOf([request.bytes])
}

/** The memory of an answer that moves back. */
export function answerTransfers(answer: CodecAnswer): ArrayBuffer[] {
  if (answer instanceof Uint8Array) return buffersOf([answer])
  if ('bytes' in answer) return buffersOf([answer.bytes])
  return buffersOf([answer.image instanceof Uint8Array ? answer.image : answer.image.data])
}

const buffersOf = (arrays: readonly (Float32Array | Uint8Array)[]) => [
  ...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer)),
]
