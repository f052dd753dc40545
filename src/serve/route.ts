/** One description of a route, from which both the app and `/openapi.json` are made. */
import type { z } from 'zod'
import type { Problem, ProblemCode } from './problem.ts'

/** A request while it is answered. */
export interface Call {
  readonly request: Request
  readonly url: URL
  /** Parts of the path: `model` of `/v2/models/{model}`. */
  readonly params: Readonly<Record<string, string>>
  readonly id: string
  /** Aborted when the client leaves or the deadline passes, with a `Problem`. */
  readonly signal: AbortSignal
  /** The client wants no more: aborts the signal. */
  abandon(): void
  /** Called once the answer is made or given up; for what an answer holds on to. */
  onEnd(work: () => void): void
  /** Keeps the request open after its answer has begun, until the returned function is called. */
  hold(): () => void
  /** Counts and logs a problem that comes after the answer has begun. */
  report(problem: Problem): void
}

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'header' | 'path'
  readonly description?: string
  readonly schema: z.ZodType
}

/** What a body of a media type is: a schema, or a file. */
export type Content = Readonly<Record<string, z.ZodType | 'binary' | 'text'>>

export interface RouteAnswer {
  readonly description: string
  readonly content?: Content
  /** Names of headers, and what they hold. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Route {
  readonly method: 'get' | 'post'
  /** As OpenAPI writes it: `/v2/models/{model}`. */
  readonly path: string
  readonly id: string
  readonly tag: 'depth' | 'inference' | 'service'
  readonly summary: string
  readonly description?: string
  /** Asks for no token, even where the server has one. */
  readonly open?: boolean
  /** Errors have the member `error` of the Open Inference Protocol. */
  readonly oip?: boolean
  readonly parameters?: readonly Parameter[]
  readonly body?: Content
  readonly answer: RouteAnswer
  readonly problems?: readonly ProblemCode[]
  handle(call: Call): Promise<Response>
}

/** `/v2/models/{model}` as Hono writes it: `/v2/models/:model`. */
export const honoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

/** Bytes of an answer that are written at once. */
const PART = 2 ** 17

/** An answer of many bytes, which are written part by part as they lie. `new Response(bytes)` would copy all of them first. */
export function bytesResponse(bytes: Uint8Array, headers: Readonly<Record<string, string>>): Response {
  let at = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at < bytes.length) controller.enqueue(bytes.subarray(at, at + PART))
        at += PART
        if (at >= bytes.length) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: { ...headers, 'content-length': String(bytes.length) } })
}

export function jsonResponse(value: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(value), {
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })
}
