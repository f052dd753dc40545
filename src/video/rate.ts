/** Frames a second as a fraction, as video files state them: 30000/1001 is no decimal. Portable: no Node. */
import { DarError } from '../support/errors.ts'

/** `frames` every `seconds`, both whole numbers above 0. */
export interface Rate {
  readonly frames: number
  readonly seconds: number
}

/** Of what says nothing of its rate; ffmpeg assumes the same. */
export const USUAL_RATE: Rate = { frames: 25, seconds: 1 }

/** Fastest that is believed. Files with broken clocks state 90000. */
const FASTEST = 1000

/** Frames a second as a number. */
export const perSecond = ({ frames, seconds }: Rate): number => frames / seconds

/** As ffmpeg takes it: `30000/1001`. */
export const rateText = ({ frames, seconds }: Rate): string => `${frames}/${seconds}`

/** `29.97`, for people. */
export const shownRate = (rate: Rate): string => String(Number(perSecond(rate).toFixed(3)))

/** Reads `25`, `29.97` or `30000/1001`; null for what is no rate. 23.976, 29.97 and 59.94 are taken for n·1000/1001. */
export function readRate(text: string): Rate | null {
  const [, whole, part = '1'] = /^(\d+(?:\.\d+)?)(?:\/(\d+))?$/.exec(text.trim()) ?? []
  if (whole === undefined) return null
  const [frames, seconds] = [Number(whole), Number(part)]
  if (!(frames > 0 && seconds > 0 && frames / seconds <= FASTEST)) return null
  if (Number.isInteger(frames)) return { frames, seconds }
  const nominal = Math.round(frames * 1.001)
  if (seconds === 1 && Math.abs(nominal / 1.001 - frames) < 0.01) return { frames: 1000 * nominal, seconds: 1001 }
  return { frames: Math.round(frames * 1000), seconds: 1000 * seconds }
}

/** The rate that a user gave. @throws DarError when it is none. */
export function parseRate(text: string, flag = '--fps'): Rate {
  const rate = readRate(text)
  if (!rate) throw new DarError(`${flag} ${text}: give frames a second, such as 25, 29.97 or 30000/1001`)
  return rate
}
