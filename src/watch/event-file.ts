/**
 * TensorBoard's event files: records of TensorFlow (TFRecord), each an `Event` message.
 *
 *     record   length u64 · masked CRC of the length u32 · data · masked CRC of the data u32, little-endian
 *     mask(c)  (c >>> 15 | c << 17) + 0xa282ead8
 *
 * The first event of a file says `brain.Event:2`. An event of a new session (`SessionLog` with status START) tells TensorBoard to
 * forget what it has of that step and later ones: a resumed run goes over them again. Field numbers are those of
 * tensorflow/core/util/event.proto and framework/summary.proto. Left out: everything but scalars.
 */
import { PbfWriter } from 'pbf'
import { crc32c } from './crc32c.ts'

/** One figure. */
export interface Scalar {
  readonly tag: string
  readonly value: number
}

/** What an event says. */
export type EventContent =
  | { readonly kind: 'version' }
  | { readonly kind: 'session start' }
  | { readonly kind: 'scalars'; readonly scalars: readonly Scalar[] }

/** An event as a record, ready to be appended to a file. `wallTime`: seconds since 1970. */
export function encodeEvent({
  wallTime,
  step = 0,
  content,
}: {
  readonly wallTime: number
  readonly step?: number
  readonly content: EventContent
}): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeDoubleField(1, wallTime)
  if (step !== 0) pbf.writeVarintField(2, step)
  if (content.kind === 'version') pbf.writeStringField(3, 'brain.Event:2')
  else if (content.kind === 'scalars') pbf.writeMessage(5, writeSummary, content.scalars)
  else pbf.writeMessage(7, writeSessionStart, null)
  return recordOf(pbf.finish())
}

function writeSummary(scalars: readonly Scalar[], pbf: PbfWriter): void {
  for (const scalar of scalars) pbf.writeMessage(1, writeValue, scalar)
}

function writeValue({ tag, value }: Scalar, pbf: PbfWriter): void {
  pbf.writeStringField(1, tag)
  pbf.writeFloatField(2, value)
}

const START = 1

function writeSessionStart(_: null, pbf: PbfWriter): void {
  pbf.writeVarintField(1, START)
}

function recordOf(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(8 + 4 + data.length + 4)
  const view = new DataView(record.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, masked(crc32c(record.subarray(0, 8))), true)
  record.set(data, 12)
  view.setUint32(12 + data.length, masked(crc32c(data)), true)
  return record
}

const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
