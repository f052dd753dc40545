/**
 * A protocol says where and how a figure is measured. Two figures can be compared only under equal protocols. A
 * protocol is therefore plain data, and `describeProtocol` prints it in one line beside every figure.
 *
 * A protocol fixes, in this order:
 *
 * 1. `input`: what the network is shown. `whole`; `kb`: the bottom centre 1216×352 of a KITTI image; `centre`: FastDepth's box.
 * 2. `halves`: the input is predicted as a left and a right window, each `share` of its width, which are blended where
 *    they overlap. With x the column and [a, b) the overlap, the right window weighs (x + ½ − a)/(b − a) (`linear`) or ½ (`mean`).
 *    Networks trained on nearly square crops predict wide KITTI images better this way; the released code of several
 *    papers averages two square windows at test time without a word in the paper.
 * 3. `flip`: the mean of the prediction and of the mirrored prediction of the mirrored input.
 * 4. `truthSize`: the ground truth is brought to this size, nearest measurement, for sets of mixed sizes. Else it stays.
 * 5. `resize`: a prediction of another size is brought to the ground truth's pixels bilinearly, or refused (`none`).
 * 6. `region` of the whole ground truth, or of the input's part of it (`regionOf`); `minimum` < truth < `cap`.
 * 7. `alignment` over those pixels, then the clamp to [1 mm, cap]; NaN and −∞ become 1 mm.
 * 8. `averaging`: metrics per image, then the mean over images, or once over the pixels of all images. Boundary F1 and
 *    the calibration of sigma are per image in either case.
 *
 * Regions:
 * - `full`, `eigen` (480×640 only), `garg`: crop.ts.
 * - `crop_native`: what FastDepth sees (Wofk et al., ICRA 2019, arXiv 1903.03273). Its NYU evaluation resizes 480×640 to
 *   250×333, keeps the centre 228×304 and squashes that to 224×224. In fractions of the image that is a centred 4:3 box
 *   of 228/250 of the height; in an image of another shape the short side takes the place of the 480 rows:
 *
 *       h = 0.912 · min(H, ¾·W)        w = 4/3 · h        640×480 → 583.7×437.8, 540×360 → 437.8×328.3
 *
 *   The ground truth stays at its own resolution (the network's 224×224 map is resized into the box), so that networks of
 *   any input size are judged on the same measurements.
 *
 * A ground-truth pixel belongs to a region when its centre lies inside.
 */
import type { Alignment } from './align.ts'
import { type Box, eigenBox, gargBox, kbBox, wholeBox } from './crop.ts'

/** Where figures are measured: everywhere, inside the published crops of NYU or KITTI, or where FastDepth crops. */
export const REGIONS = ['full', 'crop_native', 'eigen', 'garg'] as const
/** One of `REGIONS`. */
export type Region = (typeof REGIONS)[number]

export const INPUTS = ['whole', 'kb', 'centre'] as const
/** What the network is shown: the whole image, the KB crop of KITTI, or the middle. */
export type Input = (typeof INPUTS)[number]

/** Two windows, left and right, predicted separately and blended. */
export interface Halves {
  /** Width of each window as a share of the input's, above ½ and below 1. */
  readonly share: number
  readonly blend: 'linear' | 'mean'
}

/** Everything that a figure depends on besides model and data. */
export interface Protocol {
  /** Name of a preset, for people. Figures depend on the other fields only. */
  readonly name?: string
  readonly region: Region
  /** Metres: ground truth counts when it lies strictly between `minimum` and `cap`; predictions are clamped to `cap`. */
  readonly minimum: number
  readonly cap: number
  readonly alignment: Alignment
  /** Default: `whole`. */
  readonly input?: Input
  /** Default: `whole`. */
  readonly regionOf?: 'whole' | 'input'
  /** Default: none. */
  readonly halves?: Halves | null
  /** Default: false. */
  readonly flip?: boolean
  /** Default: the ground truth's own. */
  readonly truthSize?: { readonly width: number; readonly height: number } | null
  /** Default: `bilinear`. */
  readonly resize?: 'bilinear' | 'none'
  /** Default: `image`. */
  readonly averaging?: 'image' | 'pixel'
}

/** The depth range of indoor sets, and of the published figures of FastDepth that this project compares with. */
export const INDOOR_RANGE = { minimum: 0.1, cap: 10 } as const

/** A rectangle in pixels, edges anywhere between them: pixel (x, y) covers x to x + 1 and y to y + 1. */
export interface Rectangle {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Share of the short side that FastDepth sees. */
const PEER_SHARE = 228 / 250

/** The box that FastDepth sees in a `width`×`height` image, in pixels; see the formula above. */
export function peerBox(width: number, height: number): Rectangle {
  const boxHeight = PEER_SHARE * Math.min(height, (width * 3) / 4)
  const boxWidth = (boxHeight * 4) / 3
  return { left: (width - boxWidth) / 2, top: (height - boxHeight) / 2, width: boxWidth, height: boxHeight }
}

/** The part of a `width`×`height` image that the network is shown, in whole pixels. Throws a DarError as `kbBox`. */
export function inputBox(input: Input, width: number, height: number): Rectangle {
  if (input === 'whole') return { left: 0, top: 0, width, height }
  if (input === 'kb') {
    const { left, right, top, bottom } = kbBox(width, height)
    return { left, top, width: right - left, height: bottom - top }
  }
  const boxHeight = Math.round(peerBox(width, height).height)
  const boxWidth = Math.round((boxHeight * 4) / 3)
  const [left, top] = [Math.round((width - boxWidth) / 2), Math.round((height - boxHeight) / 2)]
  return { left, top, width: boxWidth, height: boxHeight }
}

/** The pixels whose centres a region contains, in a map of `width`×`height`. Throws a DarError as `eigenBox`. */
export function regionBox(region: Region, width: number, height: number): Box {
  if (region === 'full') return wholeBox(width, height)
  if (region === 'eigen') return eigenBox(width, height)
  if (region === 'garg') return gargBox(width, height)
  const box = peerBox(width, height)
  const firstCentre = (edge: number) => Math.ceil(edge - 0.5)
  return {
    left: firstCentre(box.left),
    right: firstCentre(box.left + box.width),
    top: firstCentre(box.top),
    bottom: firstCentre(box.top + box.height),
  }
}

/** The pixels of a `width`×`height` ground truth that a protocol measures in, valid or not. */
export function measuredBox(
  { region, input = 'whole', regionOf = 'whole' }: Protocol,
  width: number,
  height: number,
): Box {
  const base = inputBox(regionOf === 'input' ? input : 'whole', width, height)
  const box = regionBox(region, base.width, base.height)
  return {
    left: box.left + base.left,
    right: box.right + base.left,
    top: box.top + base.top,
    bottom: box.bottom + base.top,
  }
}

const REGION_WORDS: Readonly<Record<Region, string>> = {
  full: 'whole image',
  crop_native: 'centre box (0.912 of the short side, 4:3)',
  eigen: 'Eigen crop (rows 45..470, columns 41..600)',
  garg: 'Garg crop',
}
const INPUT_WORDS: Readonly<Record<Input, string>> = {
  whole: 'whole image',
  kb: 'KB crop (1216x352)',
  centre: 'centre box',
}
const ALIGNMENT_WORDS: Readonly<Record<Alignment, string>> = {
  none: 'no alignment',
  median: 'median-scaled per image',
  'scale+shift': 'scale and shift fitted per image',
  'scale+shift-inverse': 'scale and shift of inverse depth fitted per image',
}

/**
 * One line for people, the name of a preset first: `nyu-eigen: Eigen crop (rows 45..470, columns 41..600), 0.001 <
 * truth < 10 m, no alignment, mean over images`. Defaults without effect (no flip, no halves) are not printed.
 */
export const describeProtocol = (protocol: Protocol) => inWords(protocol, { given: false })

/**
 * The same line for predictions of another program. The files do not say how the network was asked, so that part of the
 * protocol is printed as what the protocol asks for, not as what was done.
 */
export const describeGiven = (protocol: Protocol) => inWords(protocol, { given: true })

function inWords(protocol: Protocol, { given }: { readonly given: boolean }): string {
  const { name, region, minimum, cap, alignment, input = 'whole', regionOf = 'whole' } = protocol
  const { halves = null, flip = false, truthSize = null, resize = 'bilinear', averaging = 'image' } = protocol
  const parts = [
    input === 'whole' || regionOf === 'whole'
      ? REGION_WORDS[region]
      : `${REGION_WORDS[region]} of the ${INPUT_WORDS[input]}`,
    `${minimum} < truth < ${cap} m`,
    ALIGNMENT_WORDS[alignment],
  ]
  const asked: string[] = []
  if (input !== 'whole') asked.push(`predicted on the ${INPUT_WORDS[input]}`)
  if (halves) asked.push(`two windows of ${halves.share} of the width, ${halves.blend} blend`)
  if (flip) asked.push('flip-averaged')
  if (!given) parts.push(...asked)
  else if (asked.length > 0) parts.push(`predictions as given (the protocol asks for: ${asked.join(', ')})`)
  if (truthSize) parts.push(`truth at ${truthSize.width}x${truthSize.height}`)
  if (resize === 'none') parts.push('predictions at the size of the truth')
  parts.push(averaging === 'image' ? 'mean over images' : 'mean over all pixels')
  return `${name === undefined ? '' : `${name}: `}${parts.join(', ')}`
}
