/** For tests of the room: a decoder of TensorBoard's event files, and the log of a run that never was. */
import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PIXEL_METRICS, type PixelMetrics } from '../eval/index.ts'
import type { TrainEvent } from '../train/index.ts'

/** An event as it was read. */
export interface DecodedEvent {
  readonly wallTime: number
  readonly step: number
  readonly version?: string
  /** Of a session log. */
  readonly status?: number
  readonly scalars?: readonly { readonly tag: string; readonly value: number }[]
}

/**
 * Reads records and messages by the specification (TFRecord; protobuf's encoding; event.proto), sharing no code with the writer. CRCs are
 * computed bit by bit, as division of polynomials. Throws for a CRC that does not match.
 */
export function decodeEvents(bytes: Uint8Array): DecodedEvent[] {
  const view = Buffer.from(bytes)
  const events: DecodedEvent[] = []
  for (let at = 0; at < view.length; ) {
    const length = Number(view.readBigUInt64LE(at))
    check(view.subarray(at, at + 8), view.readUInt32LE(at + 8))
    const data = view.subarray(at + 12, at + 12 + length)
    check(data, view.readUInt32LE(at + 12 + length))
    events.push(eventOf(data))
    at += 12 + length + 4
  }
  return events
}

function check(data: Uint8Array, stored: number): void {
  const rotated = (stored - 0xa282ead8) >>> 0
  const crc = ((rotated << 15) | (rotated >>> 17)) >>> 0
  let register = 0xffffffff
  for (const byte of data)
    for (let bit = 0; bit < 8; bit++) {
      const out = (register ^ (byte >>> bit)) & 1
      register = (register >>> 1) ^ (out === 1 ? 0x82f63b78 : 0)
    }
  if ((register ^ 0xffffffff) >>> 0 !== crc) throw new Error('the CRC does not match')
}

/** Field number → values, as they lie: numbers of varints, bytes of everything else. */
function fieldsOf(data: Buffer): Map<number, (number | Buffer)[]> {
  const fields = new Map<number, (number | Buffer)[]>()
  let at = 0
  const varint = () => {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = data[at++]
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < data.length) {
    const key = varint()
    const wire = key & 7
    const take = (length: number) => {
      at += length
      return data.subarray(at - length, at)
    }
    const value = wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : varint())
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value])
  }
  return fields
}

function eventOf(data: Buffer): DecodedEvent {
  const [wallTime, step, version, summary, session] = [1, 2, 3, 5, 7].map((n) => fieldsOf(data).get(n)?.[0])
  const head = { wallTime: (wallTime as Buffer).readDoubleLE(), step: (step as number | undefined) ?? 0 }
  if (version) return { ...head, version: version.toString() }
  if (session) return { ...head, status: fieldsOf(session as Buffer).get(1)?.[0] as number }
  const values = (fieldsOf(summary as Buffer).get(1) ?? []).map((value) => fieldsOf(value as Buffer))
  return {
    ...head,
    scalars: values.map((value) => ({
      tag: String(value.get(1)?.[0]),
      value: Buffer.from(value.get(2)?.[0] as Buffer).readFloatLE(),
    })),
  }
}

/** The start of a session that goes on after `step` updates. */
export const startEvent = (step: number, total = 100): Extract<TrainEvent, { event: 'start' }> => ({
  event: 'start',
  step,
  total,
  parameters: 1234,
  notes: ['a note'],
})

/** Update `step`, a second after the one before, with a loss of 10 − step/10 unless one is given. */
export const stepEvent = (step: number, loss = 10 - step / 10): Extract<TrainEvent, { event: 'step' }> => ({
  event: 'step',
  step,
  loss,
  terms: [loss / 3, (2 * loss) / 3],
  rate: 1e-3,
  norm: 2,
  imagesPerSecond: 8,
  seconds: step + 1,
})

/** A validation of the sets `rooms` and `<b>`. */
export function validationEvent(step: number, abs_rel = 0.25): Extract<TrainEvent, { event: 'validation' }> {
  const metrics = (value: number) =>
    ({ ...Object.fromEntries(PIXEL_METRICS.map((name) => [name, 0.5])), abs_rel: value }) as PixelMetrics
  const set = (name: string, value: number) => ({
    set: name,
    images: 4,
    metrics: metrics(value),
    steps: [metrics(2 * value), metrics(value)],
    saturated: [0, 0.125],
  })
  return { event: 'validation', step, seconds: step, sets: [set('rooms', abs_rel), set('<b>', 2 * abs_rel)] }
}

/** Adds events to the log of the run in `folder`, which is made if need be. */
export async function appendLog(folder: string, events: readonly TrainEvent[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  await appendFile(join(folder, 'log.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''))
}
