/**
 * Weights beside the .onnx file (ONNX external data), for graphs that pass the 2 GiB of one protobuf message.
 *
 * Files are named as `@huggingface/transformers` looks for them: `model.onnx_data`, `model.onnx_data_1`, …, each small
 * enough for one buffer of a browser. Bytes are copied piece by piece from memory or from the model's own file, so that
 * only one piece is held at a time. Left out: sharing one data file between sizes.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelProto, TensorProto } from '../graph/index.ts'

/** A protobuf message is at most 2 GiB, and so are many buffers. A little of that is left for the graph itself. */
export const MAX_FILE_BYTES = 2 ** 31 - 2 ** 25

/** Smaller tensors (shapes, constants) stay in the graph, because the engine reads them while it loads it. */
const LEAST_BYTES = 1024
/** Alignment of data that may be memory-mapped. */
const ALIGNMENT = 4096
const PIECE_BYTES = 2 ** 24

export interface Placed {
  readonly offset: number
  readonly content: TensorProto['content']
}

export interface DataFile {
  readonly name: string
  readonly parts: readonly Placed[]
  readonly bytes: number
}

/** Bytes of all tensors, inside the graph's file or referred to by it. */
export function weightBytes({ initializers }: ModelProto): number {
  return initializers.reduce((sum, { content }) => sum + bytesOf(content), 0)
}

const bytesOf = (content: TensorProto['content']): number =>
  content.kind === 'raw' ? content.bytes.byteLength : content.length

/** The same graph with its weights in files named after `fileName`, the name of its .onnx file. */
export function externalise(
  model: ModelProto,
  fileName: string,
  { maxFileBytes = MAX_FILE_BYTES }: { readonly maxFileBytes?: number } = {},
): { readonly model: ModelProto; readonly files: readonly DataFile[] } {
  const files: { name: string; parts: Placed[]; bytes: number }[] = []
  const place = (tensor: TensorProto): TensorProto => {
    const length = bytesOf(tensor.content)
    if (tensor.content.kind === 'raw' && length < LEAST_BYTES) return tensor
    let file = files.at(-1)
    if (!file || (file.bytes > 0 && aligned(file.bytes) + length > maxFileBytes)) {
      file = { name: `${fileName}_data${files.length === 0 ? '' : `_${files.length}`}`, parts: [], bytes: 0 }
      files.push(file)
    }
    const offset = aligned(file.bytes)
    file.parts.push({ offset, content: tensor.content })
    file.bytes = offset + length
    return { ...tensor, content: { kind: 'external', location: file.name, offset, length } }
  }
  return { model: { ...model, initializers: model.initializers.map(place) }, files }
}

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** Writes a data file into `folder`; ranges that are external are read from `source`. */
export async function writeDataFile(folder: string, { name, parts }: DataFile, source: string): Promise<void> {
  await using from = await opened(source, 'r')
  await using to = await opened(join(folder, name), 'wx')
  for (const { offset, content } of parts)
    if (content.kind === 'raw') await writeAll(to.file, content.bytes, offset)
    else await copyRange(from.file, content, to.file, offset)
}

async function opened(path: string, flags: string): Promise<AsyncDisposable & { readonly file: FileHandle }> {
  const file = await open(path, flags)
  return { file, [Symbol.asyncDispose]: () => file.close() }
}

async function copyRange(
  from: FileHandle,
  { offset, length }: { readonly offset: number; readonly length: number },
  to: FileHandle,
  at: number,
): Promise<void> {
  const piece = new Uint8Array(Math.min(length, PIECE_BYTES))
  for (let done = 0; done < length; ) {
    const wanted = Math.min(piece.length, length - done)
    const { bytesRead } = await from.read(piece, 0, wanted, offset + done)
    if (bytesRead === 0) throw new Error(`internal error: the weights end ${length - done} bytes early`)
    await writeAll(to, piece.subarray(0, bytesRead), at + done)
    done += bytesRead
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const length = Math.min(PIECE_BYTES, bytes.byteLength - done)
    const { bytesWritten } = await file.write(bytes, done, length, position + done)
    done += bytesWritten
  }
}
