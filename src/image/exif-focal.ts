/**
 * The focal length of a photo from its EXIF, as the 35 mm equivalent: focal length · 43.27 mm / diagonal of the sensor, where
 * 43.27 mm is the diagonal of 36×24 mm. EXIF gives it in one of two ways:
 *
 *     FocalLengthIn35mmFilm                                                          as it stands
 *     FocalLength · 43.27 mm / hypot(pixelsX / FocalPlaneXResolution, pixelsY / …YResolution) · DigitalZoomRatio
 *
 * Most cameras with interchangeable lenses give the second. FocalPlaneXResolution is in pixels per unit of length on the sensor. The
 * pixels are those of the picture as it was taken. A program that made the photo smaller may have changed the size in EXIF, the
 * resolution, both or neither. So every size in EXIF is tried, the largest first, until the sensor has a size that cameras have.
 *
 * Digital zoom: the standard does not say whether FocalLengthIn35mmFilm includes it, and makers differ. It is assumed to be
 * included, as ExifTool does, unless the focal plane shows that it is not.
 *
 * Crops: a photo whose shape differs from the one in EXIF was cropped. The crop is assumed to have kept the full width or the full
 * height, as a change from 3:2 to 16:9 or to a square does.
 *
 * Values that no camera has are refused. If EXIF has a focal length but nothing about the sensor, a note names it, so that the
 * user can give the right one.
 */
import { FULL_FRAME_DIAGONAL } from './camera.ts'
import { type ExifNumbers, readExifNumbers } from './exif.ts'
import type { RgbImage } from './types.ts'

const TAG = {
  imageWidth: 0x100,
  imageHeight: 0x101,
  focalLength: 0x920a,
  /** The same three by the numbers of TIFF/EP. Files made from raw ones have them in the first directory. */
  epPlaneX: 0x920e,
  epPlaneY: 0x920f,
  epPlaneUnit: 0x9210,
  pixelsX: 0xa002,
  pixelsY: 0xa003,
  planeX: 0xa20e,
  planeY: 0xa20f,
  planeUnit: 0xa210,
  digitalZoom: 0xa404,
  focal35: 0xa405,
  /** Of interoperability: the size of the picture before it was edited. */
  relatedWidth: 0x1001,
  relatedHeight: 0x1002,
} as const

/** Millimetres per FocalPlaneResolutionUnit. 2 and 3 are in the standard, 4 and 5 occur in files. Without the tag the unit is inches. */
const UNIT_MILLIMETRES: Readonly<Record<number, number>> = { 2: 25.4, 3: 10, 4: 1, 5: 0.001 }

/** 35 mm equivalents that are accepted: from circular fisheyes to the longest superzooms. */
const EQUIVALENT = { least: 5, most: 3000 }
/** Focal lengths that are accepted, in millimetres: from the smallest phones to telescopes. */
const FOCAL = { least: 0.5, most: 5000 }
/** Sensor diagonals that are accepted, in millimetres: from the smallest phones to large medium format. */
const SENSOR = { least: 3, most: 70 }
/** Accepted FocalLengthIn35mmFilm / FocalLength, without digital zoom: from medium format to the smallest phone sensors. */
const CROP = { least: 0.5, most: 20 }
/**
 * A sensor with a smaller diagonal has a lens of at most 150 mm (35 mm equivalent). A longer one means that the photo was made smaller
 * and FocalPlaneXResolution was not changed.
 */
const SMALL_SENSOR = { diagonal: 5.5, longest: 150 }
/** Shapes whose logarithms differ by less count as equal, because sizes are rounded to pixels. */
const SAME_SHAPE = 0.02

interface Pixels {
  readonly width: number
  readonly height: number
}

/** If a crop would have to shorten the diagonal by more than this factor, the size in EXIF is not this photo's. */
const MOST_CUT = 2

/** What EXIF says of the lens of a photo whose file holds `width`×`height` pixels, before it is turned upright. */
export function lensOfExif(block: Uint8Array, file: Pixels): Pick<RgbImage, 'focal35' | 'focalNote'> {
  const tags = readExifNumbers(block)
  const focal = within(tags.get(TAG.focalLength), FOCAL)
  // 0 stands for no zoom.
  const zoom = within(tags.get(TAG.digitalZoom), { least: 1, most: 100 }) ?? 1
  const plane = focal === undefined ? undefined : focalPlane(tags, focal, file)
  const tagged = within(tags.get(TAG.focal35), EQUIVALENT)
  if (tagged !== undefined && isCrop(tagged, focal, zoom)) {
    const missing = plane && near(tagged, plane.optical) ? zoom : 1
    const cut = sizesOf(tags).map((taken) => cutFactor(taken, file))[0] ?? 1
    const zoomText = zoom === 1 ? '' : missing === 1 ? `, digital zoom ${text(zoom)} in it` : zoomed(zoom)
    const known = cut > MOST_CUT ? 1 : cut
    return checked(tagged * missing * known, `35 mm equivalent ${text(tagged)} mm${zoomText}${cutText(known)}`)
  }
  if (plane) {
    const where = `FocalLength ${text(plane.focal)} mm on a sensor ${text(plane.sensorWidth)} mm wide`
    const focal35 = plane.optical * zoom * plane.cut
    const equivalent = `, 35 mm equivalent ${text(focal35)} mm`
    return checked(focal35, `${where}${zoomed(zoom)}${cutText(plane.cut)}${equivalent}`)
  }
  if (focal !== undefined) return { focalNote: `FocalLength ${text(focal)} mm found, sensor not known` }
  const refused = positive(tags.get(TAG.focal35))
  return refused === undefined
    ? {}
    : { focalNote: `FocalLengthIn35mmFilm ${text(refused)} mm found, which no lens has` }
}

const cutText = (cut: number) => (cut > 1 ? ', cut' : '')
const zoomed = (zoom: number) => (zoom > 1 ? `, digital zoom ${text(zoom)}` : '')

/** Whether one camera can have both focal lengths. `tagged` may include the digital zoom or not. */
function isCrop(tagged: number, focal: number | undefined, zoom: number): boolean {
  return focal === undefined || (tagged / focal >= CROP.least && tagged / focal / zoom <= CROP.most)
}

function checked(focal35: number, focalNote: string): Pick<RgbImage, 'focal35' | 'focalNote'> {
  return within(focal35, EQUIVALENT) === undefined ? {} : { focal35, focalNote }
}

interface FocalPlane {
  readonly focal: number
  readonly sensorWidth: number
  /** 35 mm equivalent of the whole sensor. */
  readonly optical: number
  /** Diagonal of the whole picture over that of the cropped photo; 1 if it was not cropped. */
  readonly cut: number
}

function focalPlane(tags: ExifNumbers, focal: number, file: Pixels): FocalPlane | undefined {
  const unit = UNIT_MILLIMETRES[tags.get(TAG.planeUnit) ?? tags.get(TAG.epPlaneUnit) ?? 2]
  const x = positive(tags.get(TAG.planeX) ?? tags.get(TAG.epPlaneX))
  const y = positive(tags.get(TAG.planeY) ?? tags.get(TAG.epPlaneY)) ?? x
  // Pixels of sensors are square: figures that say otherwise are damaged.
  if (!unit || !x || !y || x / y > 1.2 || y / x > 1.2) return undefined
  const sizes = sizesOf(tags)
  for (const taken of sizes.length > 0 ? sizes : [file]) {
    const sensorWidth = (taken.width / x) * unit
    const diagonal = Math.hypot(sensorWidth, (taken.height / y) * unit)
    const optical = (focal * FULL_FRAME_DIAGONAL) / diagonal
    if (within(diagonal, SENSOR) === undefined || within(optical, EQUIVALENT) === undefined) continue
    if (diagonal < SMALL_SENSOR.diagonal && optical > SMALL_SENSOR.longest) continue
    const cut = cutFactor(taken, file)
    if (cut <= MOST_CUT) return { focal, sensorWidth, optical, cut }
  }
  return undefined
}

/** The sizes of the picture in EXIF, the largest first. */
function sizesOf(tags: ExifNumbers): readonly Pixels[] {
  const pairs = [
    [TAG.pixelsX, TAG.pixelsY],
    [TAG.relatedWidth, TAG.relatedHeight],
    [TAG.imageWidth, TAG.imageHeight],
  ] as const
  return pairs
    .map(([x, y]) => ({ width: tags.get(x) ?? 0, height: tags.get(y) ?? 0 }))
    .filter(({ width, height }) => width >= 16 && height >= 16)
    .sort((a, b) => b.width * b.height - a.width * a.height)
}

/** Diagonal of the picture as taken over that of the photo, if it was cropped and one side kept whole; 1 if it was not cropped. */
function cutFactor(taken: Pixels | undefined, file: Pixels): number {
  if (!taken) return 1
  // Programs turn a photo upright and leave the size in EXIF as it was.
  const turned = { width: taken.height, height: taken.width }
  const shape = ({ width, height }: Pixels) => Math.log(width / height)
  const off = (size: Pixels) => Math.abs(shape(size) - shape(file))
  const { width, height } = off(turned) < off(taken) ? turned : taken
  if (Math.abs(Math.log((width * file.height) / (height * file.width))) < SAME_SHAPE) return 1
  const scale = Math.max(file.width / width, file.height / height)
  return (scale * Math.hypot(width, height)) / Math.hypot(file.width, file.height)
}

interface Range {
  readonly least: number
  readonly most: number
}

/** The value, or undefined if there is none or it lies outside the range. */
function within(value: number | undefined, { least, most }: Range): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 && Number.isFinite(value) ? value : undefined
}

/** 35 mm equivalents are whole millimetres, and sensors are measured roughly. */
function near(a: number, b: number): boolean {
  return Math.abs(Math.log(a / b)) < 0.1
}

function text(value: number): string {
  return String(Number(value.toPrecision(3)))
}
