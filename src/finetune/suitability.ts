/**
 * Whether a model can learn from a folder, before anything is computed. What makes it impossible is told with the remedy, all of it at
 * once. What only makes it worse is a warning.
 */
import type { Inspection } from '../data/index.ts'
import type { DarConfig } from '../model/index.ts'
import { isMetric } from '../model/index.ts'
import type { Size } from '../predict/index.ts'

/** With fewer frames there are too few to learn from once some are held out. */
const FEWEST_FRAMES = 20
/** Of the pixels: less measured depth than this teaches next to nothing. */
const LEAST_VALID = 0.01
/** Share of the frames whose depth has another shape than the photo: from here on the maps are of another camera. */
const MOST_OTHER_SHAPE = 0.1

/** The model that is fine-tuned, and how it sees the folder. */
export interface Seen {
  readonly name: string
  readonly config: DarConfig
  /** The network's size for the commonest photo. */
  readonly network: Size
  /** Canonical metres per metre at the lens of the first frame (image/camera.ts). */
  readonly scale: number
}

export interface Suitability {
  /** Why it cannot work; empty when it can. */
  readonly reasons: readonly string[]
  readonly warnings: readonly string[]
}

/** Judges what `inspectDataset` found of a folder. */
export function judgeFolder(found: Inspection, model: Seen): Suitability {
  const reasons = [
    isMetric(model.config)
      ? null
      : `${model.name} predicts relative depth, which has no loss here: take a model of metres`,
    unreadable(found),
    without(found),
    tooFew(found),
    ...distances(found, model),
    tooSmall(found, model),
    ofAnotherCamera(found),
  ]
  return {
    reasons: reasons.filter((reason) => reason !== null),
    warnings: [...found.suspicions, ...found.notes, ...beyond(found, model), ...lens(found)],
  }
}

/** Frames with a measurement. */
const usableFrames = ({ frames, inspected, withoutDepth, empty, broken }: Inspection): number =>
  Math.round((frames * (inspected - withoutDepth - empty.length - broken.length)) / Math.max(1, inspected))

function unreadable({ broken }: Inspection): string | null {
  if (broken.length === 0) return null
  return `${counted(broken.length)} cannot be read (${broken[0].error}): repair them or take them out`
}

function without({ withoutDepth, inspected, layout }: Inspection): string | null {
  if (withoutDepth === 0) return null
  if (layout === 'photos' || withoutDepth === inspected)
    return 'there are photos and no depth: put a map of each photo into depth/ and the photos into rgb/'
  return `${counted(withoutDepth)} without depth: add it, or take the photos out`
}

function tooFew(found: Inspection): string | null {
  const usable = usableFrames(found)
  if (usable >= FEWEST_FRAMES) return null
  return `${counted(usable)} with depth: some must be held out to measure the gain, so take at least ${FEWEST_FRAMES}, better 50`
}

function distances({ metres, valid, suspicions }: Inspection, { name, config, scale }: Seen): (string | null)[] {
  if (!metres || !valid) return []
  const { dMin, dMax } = config
  const typical = metres.median * scale
  const range = `${name} knows ${distance(dMin / scale)} to ${distance(dMax / scale)} m through this lens`
  const remedy = 'give --depth-scale, the units of a file per metre (1000 for millimetres), or take another model'
  return [
    typical > dMax ? `the typical distance is ${distance(metres.median)} m, but ${range}: ${remedy}` : null,
    typical < dMin ? `the typical distance is ${distance(metres.median)} m, but ${range}: ${remedy}` : null,
    suspicions.find((line) => line.startsWith('typical distances')) ?? null,
    valid.mean < LEAST_VALID
      ? `only ${(100 * valid.mean).toFixed(2)} % of the pixels have a measurement: too little to learn from`
      : null,
  ]
}

function tooSmall({ imageSizes }: Inspection, { network }: Seen): string | null {
  const small = Object.keys(imageSizes).find((text) => {
    const [width, height] = text.split('x').map(Number)
    return Math.max(width, height) < Math.max(network.width, network.height) / 2
  })
  if (small === undefined) return null
  return `there are photos of ${small} pixels, but the network sees ${network.width}x${network.height}: take larger ones`
}

function ofAnotherCamera({ otherShape, inspected }: Inspection): string | null {
  if (otherShape.length <= MOST_OTHER_SHAPE * inspected) return null
  return `${counted(otherShape.length)} with depth of another shape than the photo (${otherShape[0]}): the maps must be of the photo's own view, so register or crop both alike`
}

function beyond({ metres }: Inspection, { config: { dMax }, scale }: Seen): string[] {
  if (!metres || metres.p99 * scale <= dMax) return []
  return [`depth beyond ${distance(dMax / scale)} m, the end of the model's range, counts as not measured`]
}

function lens({ cameras, inspected, broken }: Inspection): string[] {
  if (cameras.known >= inspected - broken.length) return []
  return [
    'the camera is not known for all frames, so the model learns the metres of one lens: add intrinsics.json if you have it',
  ]
}

const counted = (frames: number) => (frames === 1 ? '1 frame' : `${frames} frames`)
const distance = (metres: number) => Number(metres.toPrecision(3)).toString()
