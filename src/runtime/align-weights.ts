/**
 * Moves the weights of a saved program to addresses that the engine's kernels stand. ONNX Runtime writes weights packed for its kernels one
 * behind the other, and maps them as they lie (`save` in session.ts). The kernels load them with instructions that want addresses in multiples of 64
 * bytes (vmovaps of AVX-512), and a program whose weights lie elsewhere ends the process with SIGSEGV. They lie elsewhere as soon as one constant has an
 * odd size, a resampling matrix of 17 by 34 for example.
 *
 * Offsets stand in the .onnx file as text, in `external_data` of each initializer: `offset` is `2312`, and `prepacked_0` is
 * `key|offset;length;hash|offset;length;hash…` (onnxruntime/core/graph/graph.cc). All else in the file is copied as it is.
 */
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { PbfReader, PbfWriter } from 'pbf'

const ALIGNMENT = 64
/** Where ONNX Runtime has begun a large weight at such a multiple, it stays at one. */
const PAGES = 2 ** 16
const PIECE = 2 ** 24
/** Field numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.external_data. */
const EXTERNAL_DATA = [7, 5, 13]

/** Rewrites both files where they need it. `program`: the .onnx file; `weights`: the file that its initializers lie in. */
export async function alignWeights(program: string, weights: string): Promise<void> {
  const bytes = await readFile(program)
  const offsets = new Set<number>()
  mapOffsets(bytes, (offset) => {
    offsets.add(offset)
    return offset
  })
  const old = [...offsets].sort((a, b) => a - b)
  if (old.every((offset) => offset % ALIGNMENT === 0)) return
  const { size } = await stat(weights)
  const moved = new Map<number, number>()
  let end = 0
  for (const [i, offset] of old.entries()) {
    const step = offset % PAGES === 0 ? PAGES : ALIGNMENT
    const to = Math.ceil(end / step) * step
    moved.set(offset, to)
    end = to + (old[i + 1] ?? size) - offset
  }
  const fresh = `${weights}.aligned`
  const [from, to] = [await open(weights), await open(fresh, 'w')]
  try {
    for (const [i, offset] of old.entries())
      await copy(from, to, { from: offset, end: old[i + 1] ?? size, to: moved.get(offset) ?? 0 })
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  } finally {
    await from.close()
    await to.close()
  }
  await rename(fresh, weights)
  await writeFile(
    program,
    mapOffsets(bytes, (offset) => moved.get(offset) ?? offset),
  )
}

/** A part of one file into another. */
async function copy(
  source: FileHandle,
  target: FileHandle,
  { from, end, to }: { readonly from: number; readonly end: number; readonly to: number },
): Promise<void> {
  const buffer = Buffer.alloc(Math.min(PIECE, end - from))
  for (let at = from; at < end; ) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(PIECE, end - at), at)
    if (bytesRead === 0) throw new Error('the weights of a program end too early')
    await target.write(buffer, 0, bytesRead, to + at - from)
    at += bytesRead
  }
}

/** The .onnx file with every offset of its initializers replaced. */
function mapOffsets(model: Uint8Array, change: (offset: number) => number): Uint8Array {
  return mapFields(model, EXTERNAL_DATA, (entry) => {
    const { key, value } = new PbfReader(entry).readFields(
      (tag, result, pbf) => {
        if (tag === 1) result.key = pbf.readString()
        else if (tag === 2) result.value = pbf.readString()
      },
      { key: '', value: '' },
    )
    const next =
      key === 'offset'
        ? String(change(Number(value)))
        : key.startsWith('prepacked_')
          ? value.replaceAll(/\|(\d+);/g, (_, offset) => `|${change(Number(offset))};`)
          : value
    if (next === value) return entry
    const pbf = new PbfWriter()
    pbf.writeStringField(1, key)
    pbf.writeStringField(2, next)
    return pbf.finish()
  })
}

/** A message with `change` done to the messages that lie in it under these field numbers, from the outermost inwards. */
function mapFields(
  message: Uint8Array,
  [field, ...inner]: readonly number[],
  change: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  const reader = new PbfReader(message)
  const parts: Uint8Array[] = []
  let kept = 0
  while (reader.pos < message.length) {
    const start = reader.pos
    const tag = reader.readVarint()
    if (tag >>> 3 !== field) {
      reader.skip(tag)
      continue
    }
    const value = reader.readBytes()
    const next = inner.length > 0 ? mapFields(value, inner, change) : change(value)
    if (next === value) continue
    const pbf = new PbfWriter()
    pbf.writeBytesField(field, next)
    parts.push(message.subarray(kept, start), pbf.finish())
    kept = reader.pos
  }
  return parts.length === 0 ? message : Buffer.concat([...parts, message.subarray(kept)])
}
