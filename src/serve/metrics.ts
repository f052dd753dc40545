/** What Prometheus reads. Each app has a registry of its own, so that two in one process do not mix. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds: from an answer out of the queue's refusal to the longest deadline. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export interface Gauges {
  readonly queueDepth: () => number
  readonly running: () => number
  readonly bodyBytes: () => number
  readonly ready: () => boolean
  readonly replacements: () => number
}

export class Metrics {
  readonly registry = new Registry()
  private readonly registers = [this.registry]
  private readonly seconds = new Histogram({
    name: 'dar_request_duration_seconds',
    help: 'From the arrival of a request to the end of its answer',
    labelNames: ['route', 'status'] as const,
    buckets: BUCKETS,
    registers: this.registers,
  })
  private readonly problems = new Counter({
    name: 'dar_problems_total',
    help: 'Answers that are problems, by their code',
    labelNames: ['code'] as const,
    registers: this.registers,
  })
  private readonly stages = new Histogram({
    name: 'dar_stage_duration_seconds',
    help: 'Parts of a prediction: queue, decode, compile, prepare, run, finish, encode',
    labelNames: ['stage'] as const,
    buckets: BUCKETS,
    registers: this.registers,
  })
  private readonly requests = new Gauge({
    name: 'dar_requests_in_flight',
    help: 'Requests that have arrived and are not answered',
    registers: this.registers,
  })

  constructor(gauges: Gauges) {
    this.gauge('dar_queue_depth', 'Requests that wait for the model', gauges.queueDepth)
    this.gauge('dar_predictions_running', 'Requests that the model works on', gauges.running)
    this.gauge('dar_body_bytes', 'Bytes of request bodies in memory', gauges.bodyBytes)
    this.gauge('dar_ready', '1 when the server takes requests', () => Number(gauges.ready()))
    new Counter({
      name: 'dar_model_replacements_total',
      help: 'How often the model was loaded anew because its thread had ended',
      registers: this.registers,
      collect() {
        this.reset()
        this.inc(gauges.replacements())
      },
    })
  }

  private gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: this.registers,
      collect() {
        this.set(value())
      },
    })
  }

  begin(): void {
    this.requests.inc()
  }

  end(route: string, status: number, milliseconds: number): void {
    this.requests.dec()
    this.seconds.observe({ route, status: String(status) }, milliseconds / 1000)
  }

  problem(code: string): void {
    this.problems.inc({ code })
  }

  stage(stage: string, milliseconds: number): void {
    this.stages.observe({ stage }, milliseconds / 1000)
  }
}
