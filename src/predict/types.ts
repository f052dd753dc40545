/** Inputs and results of a prediction. All distances are metres, all sizes pixels. */
import type { PointCloud, PointCloudOptions } from '../formats/point-cloud.ts'
import type { ColorMapName } from '../image/colormap.ts'
import type { Channels } from '../image/rgb.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import type { MapFacts } from './facts.ts'

/** In pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * A photo: the path or `file:` URL of a JPEG, PNG or WebP file, the bytes of such a file, a sharp object, or 8-bit sRGB pixels,
 * upright. Nothing is ever fetched from the network.
 */
export type ImageInput = string | UrlInput | Uint8Array | ArrayBuffer | BlobInput | SharpInput | RgbImage | PixelInput

/** A `URL`, of the scheme `file:`. */
export interface UrlInput {
  readonly href: string
  readonly protocol: string
}

/** A `Blob` or `File` that holds a JPEG, PNG or WebP file. */
export interface BlobInput {
  readonly size: number
  readonly type: string
  /** Its bytes. */
  arrayBuffer(): Promise<ArrayBuffer>
}

/**
 * An image of the package sharp, whatever it is made from and does to it. It is taken as it comes out, turned upright by its EXIF. Its
 * EXIF tells the focal length only while the image keeps its shape: a crop of another shape is a photo of an unknown lens.
 */
export interface SharpInput {
  /** The same image, to be read by itself. */
  clone(): unknown
  /** What the input's header says. */
  metadata(): Promise<unknown>
  /** The image as it comes out. */
  toBuffer(options: { readonly resolveWithObject: true }): Promise<unknown>
}

/** Pixels of one to four channels, row-major, channels last: an `ImageData`, what sharp's `raw()` gives, or the like. */
export interface PixelInput {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
  /** 1 is grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; default: as many as the length of `data` says. Alpha is dropped. */
  readonly channels?: Channels
  /** Of an `ImageData`; only `srgb` is read. */
  readonly colorSpace?: string
}

/** Where the focal length came from: the caller, the file's EXIF, or the assumed canonical lens. */
export type FocalSource = 'given' | 'exif' | 'default'

/** The focal length that metres were computed with. */
export interface Focal {
  /** Focal length divided by the image's diagonal, both in pixels: 0.6 is an ordinary phone's main camera. */
  readonly relative: number
  readonly source: FocalSource
  /** The same as a focal length on 36×24 mm film: 26 is an ordinary phone's main camera. */
  readonly millimetres35: number
  /** How the file gives the focal length, or what it lacks for it, in words; absent where it says nothing. */
  readonly note?: string
}

/** The prediction after one of the coarse-to-fine steps, at the image's size. */
export interface StepMap extends DepthImage {
  /** Metres, row-major. */
  readonly depth: Float32Array
  /** Metres, row-major; null where the model's head has none. */
  readonly sigma: Float32Array | null
}

/** Where the time of a prediction went, in milliseconds. */
export interface Timing {
  /** Reading the file into pixels; 0 when pixels were given. */
  readonly decode: number
  /** Building and loading the graph for a network size that was not in use; 0 when it was. */
  readonly compile: number
  /** Resizing the image to the network's size. */
  readonly prepare: number
  /** The network. */
  readonly run: number
  /** Scaling to metres and resizing to the image's size. */
  readonly finish: number
}

/**
 * A depth map at its image's own size. It is a `DepthImage` with more beside it, so whatever takes one (`colourise`, `withLegend`,
 * `encodeDepthPng`) takes it as it is: `data` is the same array as `depth`.
 */
export interface DepthMap extends DepthImage {
  /**
   * Distance along the viewing axis (z-depth) in metres, `height × width` row-major: larger is farther. Of a relative model
   * (`model.config.head.output` is `relative`) inverse depth of unknown scale and shift instead, 0 or more: larger is nearer.
   */
  readonly depth: Float32Array
  /**
   * Standard deviation in metres of each pixel's distribution over the bins of the last step. It compares pixels, but
   * it is no error bar: windows narrow from step to step, and an error of an early step does not show in it (the sigma
   * of that step, in `steps`, is wider). null where the head has none.
   */
  readonly sigma: Float32Array | null
  /** Coarse to fine, one map per step, the last equal to `depth` and `sigma`; empty unless `steps` was asked for. */
  readonly steps: readonly StepMap[]
  readonly focal: Focal
  /** Size at which the network saw the image. */
  readonly networkSize: Size
  readonly milliseconds: Timing
  /** What makes these metres less sure than usual, one sentence each: a size that the model was not trained at, an odd shape. */
  readonly warnings: readonly string[]
}

/** The model that a map is from. */
export interface ModelName {
  readonly name: string
  /** SHA-256 of its file, in hexadecimal, as `sha256sum` prints it; null where it has no file. */
  readonly hash: string | null
}

/**
 * What `predict` returns: a depth map and what is known about it. Its own properties are plain data: `structuredClone` and
 * `postMessage` copy them, and the methods are lost, as they are in a spread (`{ ...result }`).
 */
export interface DepthResult extends DepthMap, MapFacts {
  /** `relative`: of a model of relative depth, whose values are inverse depth without a unit. */
  readonly unit: 'metre' | 'relative'
  /** The camera that was assumed, in pixels of the photo; `focal.source` says where it came from. */
  readonly intrinsics: Intrinsics
  readonly model: ModelName
  /**
   * The valid pixels as points in metres, in the axes of the camera (x right, y down, z forward), with the colours of the photo, which
   * is read again. Computed in the calling thread: give a `stride` for large photos.
   * @throws DarError for a relative model, and where the photo cannot be read any more.
   */
  toPointCloud(options?: ResultPointOptions): Promise<PointCloud>
  /**
   * Writes one file, whole or not at all; a file that is there is replaced. The extension says what is in it: `.png` (16-bit
   * millimetres; `x.color.png` a picture, `x.log.png` a logarithmic scale), `.npy`, `.npz`, `.exr`, `.ply`, `.glb` or `.json`. Points and
   * surfaces have the colours of the photo, which is read again.
   * @throws DarError for another extension, where the file cannot be written, and for metres that a relative model has not.
   */
  save(path: string, options?: SaveOptions): Promise<void>
}

/** How a result becomes a file. */
export interface SaveOptions {
  /** The photo's pixels, for those kinds of files that show it; null for none. Default: the photo, read again. */
  readonly image?: RgbImage | null
  /** What a `.png` holds; default: what the name says (`x.color.png`, `x.log.png`), else 16-bit millimetres. */
  readonly png?: 'depth' | 'log' | 'color'
  /** What is in a picture beside the colours of the depth: a legend (default), nothing, or the photo, too. */
  readonly picture?: 'legend' | 'plain' | 'beside'
  /** Colours of a picture, and their range in metres. */
  readonly map?: ColorMapName
  readonly near?: number
  readonly far?: number
  /** Every so many pixels become a point or a vertex; default: few enough for a file of some 30 MB. */
  readonly stride?: number
  /** Surfaces of a `.glb` that are tilted more against the picture, in degrees, are cut; default: 85. */
  readonly steepest?: number
}

/** Of `toPointCloud` of a result. */
export interface ResultPointOptions extends Omit<PointCloudOptions, 'rgb'> {
  /** Points have the colours of the photo. Default true. */
  readonly colours?: boolean
}

/** One step of `stream`. The last one is the result of `predict`. */
export interface StreamedMap extends DepthResult {
  /** From 1. */
  readonly step: number
  /** Number of steps. */
  readonly of: number
  /** Whether it is the last. */
  readonly final: boolean
}

/**
 * The maps of a photo as the network gives them: metres as in `DepthMap`, each map of its own size and spread over the whole
 * photo. `resizeBilinear` of `dar-depth/image` brings them to another.
 */
export interface NetworkMaps
  extends NetworkStep,
    Pick<DepthResult, 'width' | 'height' | 'focal' | 'intrinsics' | 'networkSize' | 'milliseconds' | 'warnings'> {
  /** Coarse to fine, the last holding the same maps as this; empty unless `steps` was asked for. */
  readonly steps: readonly NetworkStep[]
}

/** One step of `streamMaps`. The last one has the maps of `predictMaps`. */
export interface StreamedMaps extends NetworkMaps {
  /** From 1. */
  readonly step: number
  /** Number of steps. */
  readonly of: number
  /** Whether it is the last. */
  readonly final: boolean
}

/** The maps of one step, as the network gives them. */
export interface NetworkStep {
  readonly depth: DepthImage
  /** null where the model's head has none. */
  readonly sigma: DepthImage | null
}

/** What of an `AbortSignal` is used. */
export interface StopSignal {
  readonly aborted: boolean
  /** What `abort` was given. */
  readonly reason: unknown
  /** Calls `listener` when it is aborted. */
  addEventListener(type: 'abort', listener: () => void): void
  /** Calls `listener` no more. */
  removeEventListener(type: 'abort', listener: () => void): void
}

/** A pinhole camera in pixels of the photo (upright), pixel centres at whole numbers. Without `cx` and `cy`: the photo's middle. */
export interface GivenIntrinsics {
  readonly fx: number
  readonly fy: number
  readonly cx?: number
  readonly cy?: number
}

/** The lens of a photo, for right metres: at most one of these. Default: EXIF, else the canonical lens. */
export interface LensOptions {
  /** Focal length in pixels of the given photo (upright). */
  readonly focal?: number
  /** Horizontal field of view in degrees, from the left edge of the upright photo to the right one. */
  readonly fov?: number
  /**
   * The camera. Metres depend on √(fx·fy) only, as in training; where fx and fy differ, both count in point clouds, and so do cx and
   * cy. Lens distortion is not corrected.
   */
  readonly intrinsics?: GivenIntrinsics
}

/** How a photo is predicted step by step. */
export interface StreamOptions extends LensOptions {
  /**
   * Average with the prediction of the mirrored photo: a little more accurate, and twice the time. The mean is one of depths (and of
   * sigmas), as in evaluation.
   */
  readonly flip?: boolean
  /**
   * Another pixel budget than the model's own. A model that states the sizes it was trained at is asked at the nearest of
   * them, since its metres are right only there, and the result's `warnings` say so.
   */
  readonly size?: Size
  /**
   * When it is aborted, the call rejects with its reason at once. A call that waits is not begun. Of one that runs, the step under way
   * is finished and not used, and the rest is not run; of `predictMany` and `predictMaps`, and of a model with a `batch`, the photos
   * under way are finished.
   */
  readonly signal?: StopSignal
}

/** How a photo is predicted. */
export interface PredictOptions extends StreamOptions {
  /** Also return the map of every step. */
  readonly steps?: boolean
  /**
   * More detail for a large photo: overlapping tiles are predicted too, and edges moved to the photo's. `true` is three tiles across. It takes
   * the time of some 25 photos. Not for a model of relative depth, nor with `steps`; `predictMaps` has no tiles.
   */
  readonly tiles?: boolean | TileOptions
}

/** How a large photo is cut up. */
export interface TileOptions {
  /** How often a tile fits into the photo along the side that limits it, 1 to 8; default 3. Never so often that the network sees a tile enlarged. */
  readonly across?: number
  /** The share of a side that neighbours have in common at least, 0.1 to 0.8; default 0.5. */
  readonly overlap?: number
  /** What happens to soft edges: `photo` (default) moves them to the photo's edges, `network` leaves them as they are. */
  readonly edges?: 'photo' | 'network'
  /** Called after every tile. */
  readonly onTile?: (done: number, of: number) => void
}
