/**
 * What `dar train` prints for people: progress with the time left, the figures of every validation, and how the run
 * ended. All of it goes to standard error. In a pipe or a log file whole lines are written. On a terminal the progress
 * line is redrawn, and cleared before another line is printed.
 */
import { printable } from '../support/printable.ts'
import { createProgress, durationText, type Progress, type ProgressStream } from '../support/progress.ts'
import { bestModelPath, type CommunicationSpent, modelPath, type SetFigures, type TrainEvent } from '../train/index.ts'
import { RunningMean } from '../train/running-mean.ts'

export interface Report {
  readonly onEvent: (event: TrainEvent) => void
  /** Ends the progress line; call it also after a failure. */
  close(): void
}

export function createReport(
  out: string,
  { stream = process.stderr }: { readonly stream?: ProgressStream } = {},
): Report {
  let progress: Progress | null = null
  const loss = new RunningMean()
  let heldOut = ''
  let newest: Extract<TrainEvent, { event: 'step' }> | null = null
  const line = (text: string) => stream.write(`${stream.isTTY ? '\r\x1b[K' : ''}${printable(text)}\n`)

  const show = () => {
    if (newest === null) return
    const { step, imagesPerSecond } = newest
    progress?.update(step + 1, `loss ${loss.value?.toFixed(3)}${heldOut}, ${imagesPerSecond.toFixed(1)} images/s`)
  }

  const onEvent = (event: TrainEvent): void => {
    switch (event.event) {
      case 'start':
        line(`${(event.parameters / 1e6).toFixed(2)} M parameters, ${event.total} updates, into ${out}`)
        for (const setting of event.settings ?? []) line(`set ${setting}`)
        for (const note of event.notes) line(note)
        if (event.step < event.total)
          progress = createProgress({ total: event.total, label: 'updates', from: event.step, stream })
        return
      case 'step':
        newest = event
        loss.add(event.loss)
        show()
        return
      case 'validation':
        heldOut = meanText(event.sets)
        for (const set of event.sets) line(`  update ${event.step}, ${figuresText(set)}`)
        show()
        return
      case 'warning':
        line(`warning: ${event.message}`)
        return
      case 'skipped':
        line(`skipped ${event.message}`)
        return
      case 'best':
        line(`  update ${event.step}, best ${event.metric} so far: ${event.figure.toFixed(4)}; ${bestModelPath(out)}`)
        return
      case 'end':
        progress?.done()
        line(endText(event, out))
        return
      case 'failed':
        progress?.done()
    }
  }
  return { onEvent, close: () => progress?.done() }
}

/** The last validation in few words, for the line of progress: means over the sets. */
function meanText(sets: readonly SetFigures[]): string {
  const mean = (name: 'abs_rel' | 'd1') => sets.reduce((sum, { metrics }) => sum + metrics[name], 0) / sets.length
  return `, abs_rel ${mean('abs_rel').toFixed(3)}, d1 ${mean('d1').toFixed(3)}`
}

/** From this share of saturated values in h on, the report says that a step is dead. */
const DEAD = 0.95

function figuresText({ set, images, metrics, steps, saturated }: SetFigures): string {
  const { d1, abs_rel, rmse } = metrics
  const bySteps = steps.map((step) => step.abs_rel.toFixed(3)).join(' ')
  const figures = `${set} (${images} images): d1 ${d1.toFixed(3)}, abs_rel ${abs_rel.toFixed(3)}, rmse ${rmse.toFixed(3)} m; abs_rel by step ${bySteps}`
  if (saturated.length === 0) return figures
  const most = Math.max(...saturated)
  const share = `${figures}; h saturated up to ${(100 * most).toFixed(0)} %`
  return most < DEAD
    ? share
    : `${share}: the decoder passes next to no gradient; a lower rate in the recipe's schedule, or hiddenNorm: true in its model, keeps it from that`
}

function communicationText({ waiting, moving, exposed = waiting + moving }: CommunicationSpent): string {
  const all = `${waiting.toFixed(1)} s waiting for other processes and ${moving.toFixed(1)} s moving values`
  const hidden = waiting + moving - exposed
  return hidden > 0 ? `${all}, ${hidden.toFixed(1)} s of them while it computed` : all
}

function endText(
  { step, total, seconds, reason, skipped, communication }: Extract<TrainEvent, { event: 'end' }>,
  out: string,
): string {
  const left = skipped === undefined ? '' : `, ${skipped} of them left out`
  const spent = communication ? `; of this session, ${communicationText(communication)}` : ''
  const took = `${durationText(seconds)} of training${left}${spent}`
  if (reason === 'patience')
    return `done: no validation was better for a while, so the run ends after update ${step} of ${total}, ${took}; the best model is ${bestModelPath(out)}`
  if (reason === 'done') return `done: ${total} updates, ${took}; the model is ${modelPath(out)}`
  const why = reason === 'time' ? 'time is up' : 'interrupted'
  return `${why} after update ${step} of ${total}, ${took}; go on with --resume`
}
