/**
 * Errors as clients see them: `application/problem+json` (RFC 9457) with a stable code and the request's id. A detail is
 * shown only where it was written for the client. Of everything else, such as a stack, a path or a message of the
 * engine, the client sees the code alone; the server's log has the rest under the same id.
 */
import { DarError } from '../support/errors.ts'

/** What went wrong, for programs. Codes stay; titles and details may change. */
export const PROBLEMS = {
  'bad-request': { status: 400, title: 'The request cannot be understood' },
  unauthorized: { status: 401, title: 'A bearer token is needed' },
  'forbidden-origin': { status: 403, title: 'Pages of other origins may not use this server' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'This path has another method' },
  'not-acceptable': { status: 406, title: 'None of the accepted media types can be made' },
  'body-too-slow': { status: 408, title: 'The body took too long to arrive' },
  'body-too-large': { status: 413, title: 'The body is larger than this server accepts' },
  'too-many-pixels': { status: 413, title: 'The image has more pixels than this server accepts' },
  'unsupported-media-type': { status: 415, title: 'A body of this type is not read' },
  'wrong-host': { status: 421, title: 'This server does not answer under this name' },
  'unusable-image': { status: 422, title: 'The image, or an option, cannot be used' },
  'client-left': { status: 499, title: 'The client left before the answer' },
  internal: { status: 500, title: 'The server failed' },
  'not-implemented': { status: 501, title: 'This model cannot do that' },
  'queue-full': { status: 503, title: 'Too many requests wait already' },
  'memory-full': { status: 503, title: 'Too many bodies are in memory already' },
  'model-lost': { status: 503, title: 'The process that computed this ended, and another takes its place' },
  'out-of-memory': { status: 503, title: 'There was too little memory for this request' },
  'not-ready': { status: 503, title: 'The server takes no requests now' },
  'deadline-exceeded': { status: 504, title: 'The deadline of the request passed' },
} as const

export type ProblemCode = keyof typeof PROBLEMS

/** Problems that pass: the answer says after how many seconds to try again. */
const PASSING: ReadonlySet<ProblemCode> = new Set([
  'queue-full',
  'memory-full',
  'model-lost',
  'out-of-memory',
  'not-ready',
])

interface ProblemOptions extends ErrorOptions {
  /** Seconds until another try makes sense. */
  readonly retryAfter?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A failure with a code for the client. `detail` is shown, so it holds nothing but what the client sent or may know. */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: ProblemCode
  readonly retryAfter: number | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, detail = '', { retryAfter, headers = {}, ...options }: ProblemOptions = {}) {
    super(detail, options)
    this.code = code
    this.retryAfter = retryAfter ?? (PASSING.has(code) ? 1 : undefined)
    this.headers = headers
  }

  get status(): number {
    return PROBLEMS[this.code].status
  }
}

/** Any failure as a `Problem`. Failures of the server keep their cause, for the log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const kind = error instanceof DarError ? error.kind : null
  if (kind === 'gone') return new Problem('model-lost', '', { cause: error })
  if (kind === 'memory') return new Problem('out-of-memory', '', { cause: error })
  return new Problem('internal', '', { cause: error })
}

/**
 * What `error` is where nothing but what the client sent was looked at: a DarError of the kind `input` is then about that, so its
 * message is shown, under `code`. Elsewhere the same kind may be about a file or a setting of the server.
 */
export function blaming(code: ProblemCode, error: unknown): unknown {
  return error instanceof DarError && error.kind === 'input' ? new Problem(code, error.message) : error
}

/** The body of a problem's answer. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail?: string
  readonly requestId: string
}

export function problemBody(problem: Problem, requestId: string): ProblemBody {
  const { title, status } = PROBLEMS[problem.code]
  const detail = problem.message === '' ? {} : { detail: problem.message }
  return { type: `urn:dar-depth:problem:${problem.code}`, title, status, code: problem.code, ...detail, requestId }
}

/** `oip`: with the member `error`, which clients of the Open Inference Protocol read. */
export function problemResponse(
  problem: Problem,
  requestId: string,
  { oip = false }: { readonly oip?: boolean } = {},
): Response {
  const body = problemBody(problem, requestId)
  const headers = {
    'content-type': 'application/problem+json',
    ...(problem.retryAfter !== undefined && { 'retry-after': String(problem.retryAfter) }),
    ...problem.headers,
  }
  const text = JSON.stringify(oip ? { ...body, error: body.detail ?? body.title } : body)
  return new Response(text, { status: problem.status, headers })
}
