/** The Open Inference Protocol over the app: its metadata, JSON tensors, binary tensors, and its errors. */
import { describe, expect, it } from 'vitest'
import { decodeImage } from '../node/decode.ts'
import { createApp } from './app.ts'
import { HEIGHT, predicted, tinyServed, WIDTH } from './testing.ts'

const tiny = tinyServed()
const ask = (path: string, init?: RequestInit) =>
  createApp({ model: tiny.model, version: '1.2.3' }).app.request(path, init)
const json = async (path: string) => (await ask(path)).json()

const INFER = '/v2/models/tiny/infer'
const infer = (request: unknown, headers: Record<string, string> = {}) =>
  ask(INFER, {
    method: 'POST',
    body: JSON.stringify(request),
    headers: { 'content-type': 'application/json', ...headers },
  })

interface Output {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  readonly data?: readonly number[]
  readonly parameters?: { readonly binary_data_size: number }
}
interface Answer {
  readonly id?: string
  readonly model_name: string
  readonly outputs: readonly Output[]
}

const pixels = async () => {
  const { data } = await decodeImage(tiny.photo)
  return { name: 'image', shape: [HEIGHT, WIDTH, 3], datatype: 'UINT8', data: [...data] }
}
const photo = () => ({
  name: 'photo',
  shape: [1],
  datatype: 'BYTES',
  data: [Buffer.from(tiny.photo).toString('base64')],
})
/** JSON and what follows it. */
const binaryBody = (header: unknown, values: Uint8Array) => {
  const text = Buffer.from(JSON.stringify(header))
  return { body: new Uint8Array(Buffer.concat([text, values])), length: String(text.length) }
}
const sendBinary = (header: unknown, values: Uint8Array, more: Record<string, string> = {}) => {
  const { body, length } = binaryBody(header, values)
  return ask(INFER, { method: 'POST', body, headers: { 'inference-header-content-length': length, ...more } })
}

describe('metadata', () => {
  it('names server, model and tensors', async () => {
    expect(await json('/v2')).toEqual({ name: 'dar-depth', version: '1.2.3', extensions: ['binary_tensor_data'] })
    expect(await json('/v2/health/live')).toEqual({ live: true })
    expect(await json('/v2/health/ready')).toEqual({ ready: true })
    expect(await json('/v2/models/tiny/ready')).toEqual({ name: 'tiny', ready: true })
    const model = (await json('/v2/models/tiny')) as { outputs: readonly Output[] }
    expect(model).toMatchObject({ name: 'tiny', versions: ['1'], inputs: [{ name: 'image' }, { name: 'photo' }] })
    expect(model.outputs[0]).toEqual({ name: 'depth', datatype: 'FP32', shape: [-1, -1] })
  })

  it('has an error of the protocol for a model that is not there', async () => {
    const response = await ask('/v2/models/other')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: 'this server has the model tiny', code: 'not-found' })
  })
})

describe('infer', () => {
  it.each(['image', 'photo'])('gives depth and sigma of %s in metres, as the library does', async (kind) => {
    const input = kind === 'image' ? await pixels() : photo()
    const response = await infer({ id: 'seven', inputs: [input] })
    expect(response.status).toBe(200)
    const { id, model_name, outputs } = (await response.json()) as Answer
    expect([id, model_name]).toEqual(['seven', 'tiny'])
    const { depth, sigma } = await predicted(tiny)
    expect(outputs.map(({ name, shape, datatype }) => [name, shape, datatype])).toEqual([
      ['depth', [HEIGHT, WIDTH], 'FP32'],
      ['sigma', [HEIGHT, WIDTH], 'FP32'],
    ])
    expect(Float32Array.from(outputs[0].data!)).toEqual(depth)
    expect(Float32Array.from(outputs[1].data!)).toEqual(sigma)
  })

  it('takes nested lists, a focal length, and the outputs that are wanted', async () => {
    const { data, ...rest } = await pixels()
    const rows = Array.from({ length: HEIGHT }, (_, y) =>
      Array.from({ length: WIDTH }, (_, x) => data.slice(3 * (y * WIDTH + x), 3 * (y * WIDTH + x) + 3)),
    )
    const response = await infer({
      parameters: { focal: 90 },
      inputs: [{ ...rest, data: rows }],
      outputs: [{ name: 'depth' }],
    })
    const { outputs } = (await response.json()) as Answer
    expect(outputs.map(({ name }) => name)).toEqual(['depth'])
    expect(Float32Array.from(outputs[0].data!)).toEqual((await predicted(tiny, { focal: 90 })).depth)
  })

  it('takes and gives binary tensors', async () => {
    const { data, ...input } = await pixels()
    const header = {
      inputs: [{ ...input, parameters: { binary_data_size: data.length } }],
      outputs: [{ name: 'sigma' }, { name: 'depth', parameters: { binary_data: true } }],
    }
    const response = await sendBinary(header, Uint8Array.from(data))
    expect(response.status).toBe(200)
    const bytes = Buffer.from(await response.arrayBuffer())
    const length = Number(response.headers.get('inference-header-content-length'))
    const { outputs } = JSON.parse(bytes.toString('utf8', 0, length)) as Answer
    const { depth, sigma } = await predicted(tiny)
    expect(Float32Array.from(outputs[0].data!)).toEqual(sigma)
    expect(outputs[1].parameters).toEqual({ binary_data_size: depth.byteLength })
    expect(new Float32Array(new Uint8Array(bytes.subarray(length)).buffer)).toEqual(depth)
  })

  it('takes a photo as a binary element, its length before it', async () => {
    const values = Buffer.concat([Buffer.alloc(4), tiny.photo])
    values.writeUInt32LE(tiny.photo.length)
    const input = { name: 'photo', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: values.length } }
    const response = await sendBinary({ parameters: { binary_data_output: true }, inputs: [input] }, values)
    const { depth, sigma } = await predicted(tiny)
    const bytes = Buffer.from(await response.arrayBuffer())
    const length = Number(response.headers.get('inference-header-content-length'))
    expect(bytes.length - length).toBe(depth.byteLength + sigma!.byteLength)
  })

  it.each<[string, (input: object) => unknown, string]>([
    ['no input', () => ({ inputs: [] }), 'inputs'],
    ['another name', (input) => ({ inputs: [{ ...input, name: 'x' }] }), 'inputs.0.name'],
    ['another type', (input) => ({ inputs: [{ ...input, datatype: 'BYTES' }] }), 'give UINT8 of shape'],
    ['a shape that is not the data’s', (input) => ({ inputs: [{ ...input, shape: [9, 9, 3] }] }), 'needs 243'],
    ['a shape without end', (input) => ({ inputs: [{ ...input, shape: [1e9, 1e9, 3] }] }), 'needs'],
    [
      'values out of range',
      (input) => ({ inputs: [{ ...input, shape: [1, 1, 3], data: [0, 256, 0] }] }),
      'from 0 to 255',
    ],
    ['lists in lists without end', (input) => ({ inputs: [{ ...input, data: [[[[[1]]]]] }] }), 'nested'],
    [
      'a sum of lists that hides another',
      (input) => ({ inputs: [{ ...input, shape: [1, 1, 3], data: [[1, 2], 3] }] }),
      '',
    ],
    ['a text for a photo', () => ({ inputs: [{ ...photo(), data: ['no base64!'] }] }), 'not base64'],
    ['two photos', () => ({ inputs: [{ ...photo(), data: ['YQ==', 'YQ=='] }] }), 'no one string'],
    ['an option that is none', (input) => ({ inputs: [input], parameters: { focus: 1 } }), 'focus'],
  ])('refuses %s', async (_, request, message) => {
    const response = await infer(request(await pixels()))
    if (message === '') return expect(response.status).toBe(200) // nested as the client likes: three values are three
    expect(response.status).toBe(400)
    expect(((await response.json()) as { error: string }).error).toContain(message)
  })

  it.each<[string, Record<string, string>, number]>([
    ['a length beyond the body', { 'inference-header-content-length': '999999' }, 5],
    ['a length that is none', { 'inference-header-content-length': '-1' }, 5],
    ['values that are not all there', {}, 5],
  ])('refuses %s', async (_, headers, size) => {
    const input = { name: 'image', shape: [2, 2, 3], datatype: 'UINT8', parameters: { binary_data_size: 12 } }
    expect((await sendBinary({ inputs: [input] }, new Uint8Array(size), headers)).status).toBe(400)
  })
})
