/** The routes as an OpenAPI 3.1 document. */
import { z } from 'zod'
import { PROBLEMS, type ProblemCode } from './problem.ts'
import type { Content, Parameter, Route } from './route.ts'

type Json = Readonly<Record<string, unknown>>

interface DocumentOptions {
  readonly version: string
  /** Whether requests need a token. */
  readonly guarded: boolean
}

export function openapiDocument(routes: readonly Route[], { version, guarded }: DocumentOptions): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    paths[route.path][route.method] = operation(route, guarded)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'dar-depth',
      version,
      description: 'Metric depth from one photo. Distances are metres along the viewing axis; sizes are pixels.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'depth', description: 'A photo in, a depth map out' },
      { name: 'inference', description: 'The Open Inference Protocol, version 2' },
      { name: 'service', description: 'Health, metrics and this description' },
    ],
    paths,
    components: {
      schemas: { Problem: problemSchema() },
      ...(guarded && { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }),
    },
  }
}

function operation(route: Route, guarded: boolean): Json {
  const { id, tag, summary, description, parameters = [], body, answer, problems = [], open = false } = route
  const codes: readonly ProblemCode[] = [
    ...problems,
    ...(guarded && !open ? (['unauthorized'] as const) : []),
    'internal',
  ]
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters: parameters.map(parameter) }),
    ...(body && { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      200: {
        description: answer.description,
        ...(answer.headers && {
          headers: mapValues(answer.headers, (about) => ({ description: about, schema: { type: 'string' } })),
        }),
        ...(answer.content && { content: contentOf(answer.content) }),
      },
      ...problemResponses(codes),
    },
    security: guarded && !open ? [{ token: [] }] : [],
  }
}

/** By status: several codes share one. */
function problemResponses(codes: readonly ProblemCode[]): Json {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of codes) {
    const { status } = PROBLEMS[code]
    if (status === 499) continue // nobody reads that answer
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      status,
      {
        description: of.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('. '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  )
}

function problemSchema(): Json {
  return {
    type: 'object',
    description: 'An error (RFC 9457)',
    required: ['type', 'title', 'status', 'code', 'requestId'],
    properties: {
      type: { type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string', enum: Object.keys(PROBLEMS) },
      detail: { type: 'string' },
      requestId: { type: 'string' },
      error: { type: 'string', description: 'Under /v2 alone: the detail once more, as that protocol names it' },
    },
  }
}

function parameter({ name, in: place, description, schema }: Parameter): Json {
  const { description: own, ...json } = jsonSchema(schema)
  const about = description ?? own
  return {
    name,
    in: place,
    required: place === 'path',
    ...(about !== undefined && { description: about }),
    schema: json,
  }
}

function contentOf(content: Content): Json {
  return mapValues(content, (of) => {
    if (of === 'binary') return { schema: { type: 'string', contentMediaType: 'application/octet-stream' } }
    if (of === 'text') return { schema: { type: 'string' } }
    return { schema: jsonSchema(of) }
  })
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' })
  return json
}

function mapValues<Value, Result>(
  from: Readonly<Record<string, Value>>,
  to: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, to(value)]))
}
