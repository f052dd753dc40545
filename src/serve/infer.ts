/**
 * The Open Inference Protocol, version 2 (KServe's and Triton's "v2"): requests and answers as bytes.
 *
 * A request holds either `image`, UINT8 of shape [height, width, 3], or `photo`, BYTES of shape [1]: the bytes of a JPEG, PNG or WebP
 * file, base64 in JSON. The answer has `depth` and, where the model has one, `sigma`: FP32 of shape [height, width], metres.
 *
 * The binary tensor extension is understood: values follow the JSON header, whose length is in
 * `Inference-Header-Content-Length`. Left out: batches in one request, shared memory, gRPC.
 */
import { z } from 'zod'
import type { RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { fromBase64, type LongText, parseJson } from './json-body.ts'

export const BINARY_LENGTH = 'inference-header-content-length'

const parameters = z.record(z.string(), z.unknown()).optional()

/** A request as its JSON has it. */
export const inferRequest = z.object({
  id: z.string().max(128).optional(),
  parameters,
  inputs: z
    .array(
      z.object({
        name: z.enum(['image', 'photo']),
        shape: z.array(z.int().positive()).max(3),
        datatype: z.enum(['UINT8', 'BYTES']),
        parameters,
        data: z.array(z.unknown()).optional(),
      }),
    )
    .length(1),
  outputs: z.array(z.object({ name: z.enum(['depth', 'sigma']), parameters })).optional(),
})

/** An answer as its JSON has it. */
export const inferResponse = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()),
  outputs: z.array(
    z.object({
      name: z.enum(['depth', 'sigma']),
      shape: z.array(z.int()),
      datatype: z.literal('FP32'),
      parameters,
      data: z.array(z.number()).optional(),
    }),
  ),
})

export type OutputName = 'depth' | 'sigma'

/** A request, read. */
export interface InferCall {
  readonly id: string | undefined
  readonly image: Uint8Array | RgbImage
  /** Its `parameters`, not yet checked. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly outputs: readonly WantedOutput[]
}

export interface WantedOutput {
  readonly name: OutputName
  /** Its values follow the JSON. */
  readonly binary: boolean
  /** Named by the request, which fails without it. */
  readonly named: boolean
}

export const INPUTS = [
  { name: 'image', datatype: 'UINT8', shape: [-1, -1, 3] },
  { name: 'photo', datatype: 'BYTES', shape: [1] },
] as const

export const OUTPUTS = [
  { name: 'depth', datatype: 'FP32', shape: [-1, -1] },
  { name: 'sigma', datatype: 'FP32', shape: [-1, -1] },
] as const

/**
 * Reads a request. `headerLength` is the length of its JSON where binary values follow it, else null.
 * @throws DarError, whose message is for the client.
 */
export function parseInfer(bytes: Uint8Array, headerLength: number | null): InferCall {
  if (headerLength !== null && headerLength > bytes.length)
    throw new DarError(`the header ${BINARY_LENGTH} says ${headerLength} bytes, and the body has ${bytes.length}`)
  const { value: request, long } = parseJson(inferRequest, bytes.subarray(0, headerLength ?? bytes.length))
  const [input] = request.inputs
  const values = bytes.subarray(headerLength ?? bytes.length)
  const binarySize = input.parameters?.binary_data_size
  const binary = binarySize === undefined ? null : values
  if (binary && binarySize !== values.length)
    throw new DarError(
      `binary_data_size of ${input.name} is ${String(binarySize)}, and ${values.length} bytes follow the JSON`,
    )
  if (!binary && values.length > 0)
    throw new DarError(`${values.length} bytes follow the JSON, and no input names a binary_data_size`)
  const wantsBinary = request.parameters?.binary_data_output === true
  const outputs = request.outputs ?? [{ name: 'depth' as const }, { name: 'sigma' as const }]
  return {
    id: request.id,
    image: input.name === 'image' ? pixelsOf(input, binary) : photoOf(input, binary, long),
    parameters: withoutOurs(request.parameters ?? {}),
    outputs: outputs.map(({ name, parameters: own }) => ({
      name,
      binary: typeof own?.binary_data === 'boolean' ? own.binary_data : wantsBinary,
      named: request.outputs !== undefined,
    })),
  }
}

type Input = z.infer<typeof inferRequest>['inputs'][number]

function pixelsOf({ datatype, shape, data }: Input, binary: Uint8Array | null): RgbImage {
  const [height, width, channels] = shape
  if (datatype !== 'UINT8' || shape.length !== 3 || channels !== 3)
    throw new DarError(`image is ${datatype} of shape [${shape}]; give UINT8 of shape [height, width, 3]`)
  const count = 3 * width * height
  const length = binary?.length ?? flatLength(data ?? [])
  if (length !== count) throw new DarError(`image has ${length} values, and its shape [${shape}] needs ${count}`)
  if (binary) return { width, height, data: binary }
  const pixels = new Uint8Array(count)
  let at = 0
  const fill = (values: readonly unknown[]): void => {
    for (const value of values) {
      if (Array.isArray(value)) fill(value)
      else if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255) pixels[at++] = Number(value)
      else throw new DarError(`image holds a value that is no whole number from 0 to 255`)
    }
  }
  fill(data ?? [])
  return { width, height, data: pixels }
}

/** Nested lists are allowed: their values are counted three deep, as the shape is. */
function flatLength(data: readonly unknown[], depth = 0): number {
  if (depth > 2) throw new DarError('the data of image are nested more than three deep')
  if (!Array.isArray(data[0])) return data.length
  return data.reduce((sum: number, part) => sum + (Array.isArray(part) ? flatLength(part, depth + 1) : 1), 0)
}

function photoOf({ datatype, shape, data }: Input, binary: Uint8Array | null, long: LongText | null): Uint8Array {
  if (datatype !== 'BYTES' || shape.length !== 1 || shape[0] !== 1)
    throw new DarError(`photo is ${datatype} of shape [${shape}]; give BYTES of shape [1]`)
  if (binary) {
    // One element: its length in four bytes, little endian, then its bytes.
    const length = binary.length < 4 ? -1 : new DataView(binary.buffer, binary.byteOffset).getUint32(0, true)
    if (length !== binary.length - 4) throw new DarError('photo does not begin with its length in four bytes')
    return binary.subarray(4)
  }
  const [text] = data ?? []
  if (data?.length !== 1 || typeof text !== 'string') throw new DarError('photo has no one string of base64 in data')
  return fromBase64(text, 'photo', long)
}

const OURS = new Set(['binary_data_output'])
const withoutOurs = (given: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(given).filter(([name]) => !OURS.has(name)))

/** A map to answer with. */
export interface InferAnswer {
  readonly model: string
  readonly version: string
  readonly id: string | undefined
  readonly parameters: Readonly<Record<string, unknown>>
  readonly width: number
  readonly height: number
  readonly outputs: readonly { readonly name: OutputName; readonly binary: boolean; readonly data: Float32Array }[]
}

/** The body of an answer; `headerLength` is null where it is JSON alone. */
export function encodeInfer({ model, version, id, parameters, width, height, outputs }: InferAnswer): {
  readonly bytes: Uint8Array
  readonly headerLength: number | null
} {
  const tensors = outputs.map(({ name, binary, data }) => ({
    name,
    shape: [height, width],
    datatype: 'FP32' as const,
    ...(binary ? { parameters: { binary_data_size: data.byteLength } } : { data: Array.from(data) }),
  }))
  const body: z.infer<typeof inferResponse> = {
    model_name: model,
    model_version: version,
    ...(id !== undefined && { id }),
    parameters: { ...parameters },
    outputs: tensors,
  }
  const header = Buffer.from(JSON.stringify(body))
  const binary = outputs.filter((output) => output.binary)
  if (binary.length === 0) return { bytes: new Uint8Array(header), headerLength: null }
  const parts = binary.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))
  return { bytes: new Uint8Array(Buffer.concat([header, ...parts])), headerLength: header.length }
}
