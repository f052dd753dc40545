/** The Open Inference Protocol, version 2 (infer.ts says what its tensors are). */
import { z } from 'zod'
import type { DepthMap } from '../predict/types.ts'
import { depthOptions, readOptions, sizeOf } from './depth-options.ts'
import { BINARY_LENGTH, INPUTS, inferRequest, inferResponse, OUTPUTS, type WantedOutput } from './infer.ts'
import { Problem } from './problem.ts'
import { bytesResponse, type Call, jsonResponse, type Parameter, type Route } from './route.ts'
import type { Service } from './service.ts'

/** Models have no versions of their own here: a name means one file. Clients of the protocol may ask for this one by its number. */
const MODEL_VERSION = '1'

const serverMetadata = z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
const tensor = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) })
const modelMetadata = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensor).describe('One of them is given'),
  outputs: z.array(tensor),
})
const live = z.object({ live: z.boolean() })
const ready = z.object({ ready: z.boolean() })
const modelReady = z.object({ name: z.string(), ready: z.boolean() })

const inferParameters = depthOptions.pick({ focal: true, size: true })

const modelParameter: Parameter = {
  name: 'model',
  in: 'path',
  description: 'The name of the model',
  schema: z.string(),
}

const versionParameter: Parameter = {
  name: 'version',
  in: 'path',
  description: `The version of the model: ${MODEL_VERSION}`,
  schema: z.literal(MODEL_VERSION),
}

/** The routes of the protocol; those of a model a second time under its version. */
export function inferRoutes(service: Service): Route[] {
  return routesOf(service).flatMap((route) => (route.path.includes('{model}') ? [route, ofVersion(route)] : [route]))
}

const ofVersion = (route: Route): Route => ({
  ...route,
  path: route.path.replace('{model}', '{model}/versions/{version}'),
  id: `${route.id}OfVersion`,
  parameters: [...(route.parameters ?? []), versionParameter],
})

function routesOf(service: Service): Route[] {
  const { facts } = service
  const known = ({ params: { model, version = MODEL_VERSION } }: Call) => {
    if (model !== facts.name) throw new Problem('not-found', `this server has the model ${facts.name}`)
    if (version !== MODEL_VERSION) throw new Problem('not-found', `${facts.name} has the version ${MODEL_VERSION}`)
  }
  const checkReady = () => {
    if (!service.isReady) throw new Problem('not-ready')
  }
  const common = { tag: 'inference', oip: true } as const
  const ofModel = { ...common, parameters: [modelParameter], problems: ['not-found'] } as const
  return [
    {
      ...common,
      method: 'get',
      path: '/v2',
      id: 'serverMetadata',
      summary: 'Name, version and extensions of the server',
      answer: { description: 'The server', content: { 'application/json': serverMetadata } },
      handle: async () =>
        jsonResponse({
          name: 'dar-depth',
          version: service.version,
          extensions: ['binary_tensor_data'],
        } satisfies z.infer<typeof serverMetadata>),
    },
    {
      ...common,
      method: 'get',
      path: '/v2/health/live',
      id: 'serverLive',
      summary: 'Whether the server runs',
      open: true,
      answer: { description: 'It runs', content: { 'application/json': live } },
      handle: async () => jsonResponse({ live: true } satisfies z.infer<typeof live>),
    },
    {
      ...common,
      method: 'get',
      path: '/v2/health/ready',
      id: 'serverReady',
      summary: 'Whether the server takes requests: not while it loads a model or drains',
      open: true,
      answer: { description: 'It takes requests', content: { 'application/json': ready } },
      problems: ['not-ready'],
      handle: async () => {
        checkReady()
        return jsonResponse({ ready: true } satisfies z.infer<typeof ready>)
      },
    },
    {
      ...ofModel,
      method: 'get',
      path: '/v2/models/{model}',
      id: 'modelMetadata',
      summary: 'Tensors of a model',
      answer: { description: 'The model', content: { 'application/json': modelMetadata } },
      handle: async (call) => {
        known(call)
        return jsonResponse({
          name: facts.name,
          versions: [MODEL_VERSION],
          platform: 'onnxruntime_onnx',
          inputs: INPUTS.map(({ name, datatype, shape }) => ({ name, datatype, shape: [...shape] })),
          outputs: OUTPUTS.map(({ name, datatype, shape }) => ({ name, datatype, shape: [...shape] })),
        } satisfies z.infer<typeof modelMetadata>)
      },
    },
    {
      ...ofModel,
      method: 'get',
      path: '/v2/models/{model}/ready',
      id: 'modelReady',
      summary: 'Whether a model takes requests',
      open: true,
      problems: ['not-found', 'not-ready'],
      answer: { description: 'It takes requests', content: { 'application/json': modelReady } },
      handle: async (call) => {
        known(call)
        checkReady()
        return jsonResponse({ name: facts.name, ready: true } satisfies z.infer<typeof modelReady>)
      },
    },
    {
      ...ofModel,
      method: 'post',
      path: '/v2/models/{model}/infer',
      id: 'modelInfer',
      summary: 'The depth of one image, as tensors',
      description:
        'Either `image`, UINT8 of shape [height, width, 3], or `photo`, BYTES of shape [1]: a JPEG, PNG or WebP file, in base64. `parameters` may hold `focal` and `size`.',
      parameters: [
        modelParameter,
        {
          name: BINARY_LENGTH,
          in: 'header',
          description: 'Length of the JSON where binary tensors follow it (binary tensor extension)',
          schema: z.int().positive(),
        },
      ],
      body: { 'application/json': inferRequest, 'application/octet-stream': 'binary' },
      problems: [
        'bad-request',
        'not-found',
        'body-too-slow',
        'body-too-large',
        'too-many-pixels',
        'unusable-image',
        'queue-full',
        'memory-full',
        'model-lost',
        'out-of-memory',
        'deadline-exceeded',
      ],
      answer: {
        description: 'The tensors; binary ones follow the JSON',
        content: { 'application/json': inferResponse, 'application/octet-stream': 'binary' },
        headers: { [BINARY_LENGTH]: 'Length of the JSON where binary tensors follow it' },
      },
      handle: async (call) => {
        known(call)
        return infer(service, call)
      },
    },
  ]
}

async function infer(service: Service, call: Call): Promise<Response> {
  const length = call.request.headers.get(BINARY_LENGTH)
  if (length !== null && !/^\d{1,12}$/.test(length))
    throw new Problem('bad-request', `${BINARY_LENGTH} is no whole number`)
  const headerLength = length === null ? null : Number(length)
  const bytes = await service.bodyOf(call)
  const { id, image, parameters, outputs } = await service.parse<'infer'>({ kind: 'infer', bytes, headerLength })
  const { focal, size } = readOptions(inferParameters, parameters)
  const map = await service.predict(call, image, { focal, size: sizeOf(size) })
  const { width, height } = map
  const answer = await service.encodeInfer({
    model: service.facts.name,
    version: MODEL_VERSION,
    id,
    parameters: {
      unit: service.facts.metric ? 'metre' : 'relative',
      focal_source: map.focal.source,
      warnings: map.warnings,
    },
    width,
    height,
    outputs: outputs.flatMap((output) => tensorOf(map, output)),
  })
  return bytesResponse(answer.bytes, {
    'content-type': answer.headerLength === null ? 'application/json' : 'application/octet-stream',
    ...(answer.headerLength !== null && { [BINARY_LENGTH]: String(answer.headerLength) }),
  })
}

/** A model without sigma gives none; to ask for it by name is then a mistake. */
function tensorOf(map: DepthMap, { name, binary, named }: WantedOutput) {
  const data = name === 'depth' ? map.depth : map.sigma
  if (!data && named) throw new Problem('bad-request', `this model has no output ${name}`)
  return data ? [{ name, binary, data }] : []
}
