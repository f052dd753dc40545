/** Which recipes can keep the features of a frozen encoder (features.ts): rules on plain data. */
import type { Augmentation } from '../data/index.ts'

/** What a picture must be left as, and the field's default where it is another. */
const STILL = {
  whole: [1, 0.15],
  maxScale: [1, 1],
  stretch: [1, 1.1],
  mirror: [0, 0.5],
  colour: [0, 1],
  grey: [0, 0.05],
  blur: [0, 0.15],
  noise: [0, 0.3],
  resample: [0, 0],
  jpeg: [0, 0],
} as const

/** The fields of an augmentation that would change pictures from one epoch to the next, each with what it must be. */
export function augmentationProblems(augmentation: Augmentation = {}): string[] {
  const fields = Object.keys(STILL) as (keyof typeof STILL)[]
  return fields.flatMap((field) => {
    const [still, usual] = STILL[field]
    const value = augmentation[field] ?? usual
    return value === still ? [] : [`${field}: ${still} (is ${value})`]
  })
}

/** Whether every parameter of the encoder is frozen, as far as the multipliers say so of the whole of it. */
export function freezesEncoder(multipliers: Readonly<Record<string, number>> = {}): boolean {
  const entries = Object.entries(multipliers)
  const whole = entries.findIndex(([start, factor]) => factor === 0 && 'encoder.'.startsWith(start))
  return whole >= 0 && entries.slice(0, whole).every(([start, factor]) => factor === 0 || !start.startsWith('encoder.'))
}
