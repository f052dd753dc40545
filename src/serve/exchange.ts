/**
 * One request and what becomes of it: its id, its clock, what it holds on to, and what is counted and logged of it at its end.
 * The end is the answer's; of a stream, its last event.
 */
import { randomUUID } from 'node:crypto'
import { deadlineOf } from './deadline.ts'
import type { Metrics } from './metrics.ts'
import { type Problem, problemOf, problemResponse } from './problem.ts'
import type { Call, Route } from './route.ts'

/** What is told of a request at its end. */
export interface RequestLog {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly milliseconds: number
  /** Of the problem, if it was one. */
  readonly code?: string
  /** What the client was not told. */
  readonly cause?: unknown
}

interface ExchangeOptions {
  readonly metrics: Metrics
  readonly log: (entry: RequestLog) => void
  /** null where the path is no route. */
  readonly route: Route | null
}

/** A client's own id, if it is nothing but a word. */
const REQUEST_ID = /^[\w.:-]{1,128}$/

export class Exchange {
  readonly id: string
  readonly url: URL
  private readonly begin = performance.now()
  private readonly endings: (() => void)[] = []
  private holds = 1
  private status = 0
  private problem: Problem | null = null

  constructor(
    readonly request: Request,
    private readonly options: ExchangeOptions,
  ) {
    const asked = request.headers.get('x-request-id') ?? ''
    this.id = REQUEST_ID.test(asked) ? asked : randomUUID()
    this.url = new URL(request.url)
    options.metrics.begin()
  }

  /** Runs `work`; a failure becomes a problem. The exchange ends with it, unless it is held. */
  async answer(work: () => Promise<Response>): Promise<Response> {
    let response: Response
    try {
      response = await work()
    } catch (error) {
      const problem = problemOf(error)
      this.report(problem)
      response = problemResponse(problem, this.id, { oip: this.options.route?.oip })
    }
    this.status = response.status
    this.release()
    return response
  }

  /** Starts its clock: `most` milliseconds. */
  call(params: Readonly<Record<string, string>>, most: number): Call {
    const deadline = deadlineOf(this.request, most)
    this.endings.push(deadline.end)
    return {
      request: this.request,
      url: this.url,
      params,
      id: this.id,
      signal: deadline.signal,
      abandon: deadline.leave,
      onEnd: (work) => this.endings.push(work),
      hold: () => {
        this.holds++
        return () => this.release()
      },
      report: (problem) => this.report(problem),
    }
  }

  private report(problem: Problem): void {
    this.problem = problem
    this.options.metrics.problem(problem.code)
  }

  private release(): void {
    if (--this.holds > 0) return
    for (const end of this.endings) end()
    const { metrics, log, route } = this.options
    const { id, status, problem } = this
    const milliseconds = performance.now() - this.begin
    metrics.end(route?.path ?? 'other', status, milliseconds)
    const why = problem && { code: problem.code, ...(problem.cause !== undefined && { cause: problem.cause }) }
    log({ id, method: this.request.method, path: this.url.pathname, status, milliseconds, ...why })
  }
}
