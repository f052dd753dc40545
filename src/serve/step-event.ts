/** A step of a stream as a server-sent event, its map as a 16-bit PNG in base64. Made in the codec's thread, as large as maps are. */
import { encodeDepthPng } from '../node/png16.ts'
import type { ServedStep } from './served-model.ts'

export type StepEvent = Pick<ServedStep, 'step' | 'of' | 'final' | 'width' | 'height' | 'depth'>

export async function encodeStepEvent({ step, of, final, width, height, depth }: StepEvent): Promise<Uint8Array> {
  const png = await encodeDepthPng({ width, height, data: depth })
  const base64 = Buffer.from(png.buffer, png.byteOffset, png.length).toString('base64')
  return serverSentEvent('step', { step, of, final, width, height, unit: 'millimetres', png: base64 })
}

export function serverSentEvent(event: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}
