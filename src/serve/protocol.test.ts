/**
 * The answers under /v2 against the Open Inference Protocol itself: its objects, written down here from the text of its REST
 * specification (github.com/kserve/open-inference-protocol, inference_rest.md, and the "binary tensor data" extension of Triton). npm has no
 * client of the protocol.
 */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createApp } from './app.ts'
import { tinyServed } from './testing.ts'

const tiny = tinyServed()
const ask = (path: string, init?: RequestInit) => createApp({ model: tiny.model }).app.request(path, init)

// $number, $string, $object and so on as the text has them; what is not marked #optional is required.
const parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.unknown())]))
const DATATYPES = [
  ...['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64'],
  ...['FP16', 'FP32', 'FP64', 'BYTES'],
] as const
const shape = z.array(z.int())
const metadataTensor = z.strictObject({ name: z.string(), datatype: z.enum(DATATYPES), shape })
const PROTOCOL = {
  metadataServerResponse: z.strictObject({ name: z.string(), version: z.string(), extensions: z.array(z.string()) }),
  metadataModelResponse: z.strictObject({
    name: z.string(),
    versions: z.array(z.string()).optional(),
    platform: z.string(),
    inputs: z.array(metadataTensor),
    outputs: z.array(metadataTensor),
  }),
  liveServerResponse: z.strictObject({ live: z.boolean() }),
  readyModelResponse: z.strictObject({ name: z.string(), ready: z.boolean() }),
  inferenceResponse: z.strictObject({
    model_name: z.string(),
    model_version: z.string().optional(),
    id: z.string().optional(),
    parameters: parameters.optional(),
    outputs: z.array(
      z.strictObject({
        name: z.string(),
        shape: z.array(z.int().nonnegative()),
        datatype: z.enum(DATATYPES),
        parameters: parameters.optional(),
        data: z.array(z.number()),
      }),
    ),
  }),
  errorResponse: z.looseObject({ error: z.string().min(1) }),
} as const

async function read<Schema extends z.ZodType>(response: Response | Promise<Response>, schema: Schema) {
  const { status, headers, text } = await Promise.resolve(response).then(async (given) => ({
    status: given.status,
    headers: given.headers,
    text: await given.text(),
  }))
  expect(headers.get('content-type'), text).toMatch(/^application\/(problem\+)?json$/)
  return { status, value: schema.parse(JSON.parse(text)) as z.infer<Schema> }
}

const input = { name: 'image', shape: [1, 2, 3], datatype: 'UINT8', data: [10, 20, 30, 200, 210, 220] }
const infer = (path: string, request: unknown) =>
  ask(path, { method: 'POST', body: JSON.stringify(request), headers: { 'content-type': 'application/json' } })

describe('the Open Inference Protocol', () => {
  it.each(['/v2', '/v2/'])('GET %s', async (path) => {
    expect((await read(ask(path), PROTOCOL.metadataServerResponse)).status).toBe(200)
  })

  it('GET /v2/health/live and /v2/health/ready', async () => {
    const live = await read(ask('/v2/health/live'), PROTOCOL.liveServerResponse)
    expect([live.status, live.value]).toEqual([200, { live: true }])
    expect((await ask('/v2/health/ready')).status).toBe(200) // the status alone is for probes
  })

  // "path contents in [] are optional"
  describe.each(['/v2/models/tiny', '/v2/models/tiny/versions/1'])('%s', (path) => {
    it('GET metadata', async () => {
      const { status, value } = await read(ask(path), PROTOCOL.metadataModelResponse)
      expect([status, value.versions]).toEqual([200, ['1']])
    })

    it('GET /ready', async () => {
      const { status, value } = await read(ask(`${path}/ready`), PROTOCOL.readyModelResponse)
      expect([status, value]).toEqual([200, { name: 'tiny', ready: true }])
    })

    it('POST /infer', async () => {
      const { status, value } = await read(
        infer(`${path}/infer`, { id: '42', inputs: [input], outputs: [{ name: 'depth' }] }),
        PROTOCOL.inferenceResponse,
      )
      const { id, outputs, model_version } = value
      expect([status, id, model_version, outputs.length]).toEqual([200, '42', '1', 1])
      expect(outputs[0].data).toHaveLength(outputs[0].shape.reduce((a, b) => a * b, 1))
    })

    it('POST /infer without outputs gives those of the metadata', async () => {
      const { value } = await read(infer(`${path}/infer`, { inputs: [input] }), PROTOCOL.inferenceResponse)
      const { value: about } = await read(ask(path), PROTOCOL.metadataModelResponse)
      expect(value.outputs.map(({ name, datatype }) => [name, datatype])).toEqual(
        about.outputs.map(({ name, datatype }) => [name, datatype]),
      )
    })
  })

  it.each([
    ['a model that is not there', () => ask('/v2/models/other')],
    ['a version that is not there', () => ask('/v2/models/tiny/versions/2')],
    ['a version that is not ready', () => ask('/v2/models/tiny/versions/2/ready')],
    ['no inputs', () => infer('/v2/models/tiny/infer', {})],
    ['a tensor of another shape', () => infer('/v2/models/tiny/infer', { inputs: [{ ...input, shape: [1] }] })],
    ['an output that is none', () => infer('/v2/models/tiny/infer', { inputs: [input], outputs: [{ name: 'x' }] })],
  ])('an error object for %s', async (_, request) => {
    const { status } = await read(request(), PROTOCOL.errorResponse)
    expect([400, 404]).toContain(status)
  })
})
