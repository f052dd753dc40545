/** The events of a run as scalars for TensorBoard, in an event file in the run's folder: `tensorboard --logdir runs`. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { remedyFor } from '../support/cannot-write.ts'
import { messageOf } from '../support/errors.ts'
import { LogError, type TrainEvent } from '../train/run-log.ts'
import { type EventContent, encodeEvent, type Scalar } from './event-file.ts'

/**
 * The figures of an event; none for events that have none. Steps of TensorBoard are updates done, so that those of updates and of
 * validations fit together.
 */
function scalarsOf(event: TrainEvent): readonly Scalar[] {
  switch (event.event) {
    case 'step':
      return [
        { tag: 'train/loss', value: event.loss },
        ...event.terms.map((value, k) => ({ tag: `train/term${k + 1}`, value })),
        { tag: 'train/rate', value: event.rate },
        { tag: 'train/gradient_norm', value: event.norm },
        { tag: 'train/images_per_second', value: event.imagesPerSecond },
      ]
    case 'validation':
      return event.sets.flatMap(({ set, metrics, saturated }) => [
        ...Object.entries(metrics).map(([name, value]) => ({ tag: `validation/${set}/${name}`, value })),
        ...saturated.map((value, k) => ({ tag: `saturated/${set}/h${k + 1}`, value })),
      ])
    case 'norms':
      return event.parts.flatMap(({ part, weights, gradient }) => [
        { tag: `weight_norm/${part}`, value: weights },
        { tag: `gradient_norm/${part}`, value: gradient },
      ])
    default:
      return []
  }
}

/** An event file, made at the first event. A write that fails throws a LogError once; the file takes nothing after it. */
export class TensorBoardFile {
  private file: number | null = null
  private closed = false

  constructor(
    private readonly folder: string,
    private readonly now: () => number = () => Date.now() / 1000,
  ) {}

  /** Appends what the event says, at once, so that a kill loses nothing. */
  see(event: TrainEvent): void {
    if (this.closed) return
    // A session goes over all updates after the one it begins at.
    if (event.event === 'start') this.append(event.step + 1, { kind: 'session start' })
    const scalars = scalarsOf(event)
    if (scalars.length === 0) return
    const done = event.event === 'step' ? event.step + 1 : event.step
    this.append(done, { kind: 'scalars', scalars })
  }

  close(): void {
    this.closed = true
    if (this.file !== null) closeSync(this.file)
    this.file = null
  }

  private append(step: number, content: EventContent): void {
    const wallTime = this.now()
    const path = join(this.folder, `events.out.tfevents.${Math.floor(wallTime)}.${hostname()}.${process.pid}.0`)
    try {
      if (this.file === null) {
        this.file = openSync(path, 'a')
        this.write(encodeEvent({ wallTime, content: { kind: 'version' } }))
      }
      this.write(encodeEvent({ wallTime, step, content }))
    } catch (error) {
      this.close()
      throw new LogError(`cannot write the event file ${path}: ${messageOf(error)}; ${remedyFor(error)}`)
    }
  }

  private write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.file ?? -1, bytes, done)
  }
}
