/**
 * NumPy's `.npy` files. Written in format 1.0 as float32, so `numpy.load('photo.depth.npy')` gives metres. Read in any
 * plain number type, as float32. Layout as in numpy/lib/format.py: magic, version, a Python dict literal padded to 64
 * bytes, then the raw values. The written bytes equal numpy's own.
 *
 * Left out: complex and structured types, pickled objects, `.npz`. Runs in the browser.
 */
import { halfToNumber } from '../safetensors/float16.ts'
import { DarError } from '../support/errors.ts'
import { shortened } from '../support/text.ts'
import { MAX_HEADER, parseNpyHeader } from './npy-header.ts'

/** An array as NumPy stores it. */
export interface NpyArray {
  readonly shape: readonly number[]
  /** C order: the last axis varies fastest. */
  readonly data: Float32Array
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] // \x93NUMPY
const ALIGNMENT = 64
/** numpy leaves room for this many digits of the first axis, so that it can grow when a file is appended to. */
const GROWTH_DIGITS = 21

/** Bytes of a `.npy` file, little endian, C order. @throws DarError when the shape does not fit the data. */
export function encodeNpy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((product, axis) => product * axis, 1)
  if (count !== data.length || !shape.every((axis) => Number.isInteger(axis) && axis >= 0))
    throw new DarError(`cannot write ${data.length} values as an array of shape [${shape}]; check the shape`)
  // A Python tuple of one element keeps its comma.
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`
  if (shape.length > 0) header += ' '.repeat(Math.max(0, GROWTH_DIGITS - String(shape[0]).length))
  // numpy pads by 1 to 64 spaces, never by none.
  const start = Math.ceil((10 + header.length + 1 + 1) / ALIGNMENT) * ALIGNMENT
  header = `${header.padEnd(start - 10 - 1)}\n`

  const bytes = new Uint8Array(start + 4 * data.length)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  bytes.set([1, 0], 6)
  view.setUint16(8, header.length, true)
  bytes.set(new TextEncoder().encode(header), 10)
  for (let i = 0; i < data.length; i++) view.setFloat32(start + 4 * i, data[i], true)
  return bytes
}

/** How a number type is read; every depth map that people save is one of these. */
const READERS: Readonly<Record<string, { readonly bytes: number; readonly read: Reader }>> = {
  f2: { bytes: 2, read: (view, at, little) => halfToNumber(view.getUint16(at, little)) },
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  b1: { bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
}
type Reader = (view: DataView, at: number, little: boolean) => number

/**
 * Reads a `.npy` (format 1 to 3, either endianness, C or Fortran order) of half, single or double floats, of integers or booleans;
 * values are rounded to float32. `name` is what messages call the file.
 * @throws DarError when it is not one: another dtype, cut off, or with bytes left over.
 */
export function decodeNpy(bytes: Uint8Array, options: { name?: string } = {}): NpyArray {
  const { shape, data } = readNpy(bytes, options)
  return { shape, data }
}

/** The same, and whether what is stored are whole numbers, which depth in metres never is. */
export function readNpy(
  bytes: Uint8Array,
  { name = 'the .npy file' }: { name?: string } = {},
): NpyArray & { readonly isWhole: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte))
    throw new DarError(`${name} is not a .npy file; write it with numpy.save`)
  const version = bytes[6]
  if (version < 1 || version > 3) throw new DarError(`${name} has .npy version ${version}; write it with numpy.save`)
  const [prefix, headerLength] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)]
  const start = prefix + headerLength
  if (start > bytes.length) throw new DarError(`${name} ends inside its header; copy or download it again`)
  if (headerLength > MAX_HEADER)
    throw new DarError(`${name} has a header of ${headerLength} bytes, more than numpy reads; write it with numpy.save`)
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(prefix, start))
  const { descr, fortranOrder, shape } = parseNpyHeader(text, name)
  const [order, code] = descr?.match(/^([<>|=]?)(.*)$/)?.slice(1) ?? []
  const type = code !== undefined && Object.hasOwn(READERS, code) ? READERS[code] : undefined
  if (!type)
    throw new DarError(
      `${name} holds ${descr === null ? 'a structured type' : shortened(descr, 40)}, not plain numbers; save array.astype('float32')`,
    )

  const count = shape.reduce((product, axis) => product * axis, 1)
  if (bytes.length - start !== type.bytes * count)
    throw new DarError(
      `${name} has ${bytes.length - start} bytes of data where shape [${shape}] needs ${type.bytes * count}; copy or download it again`,
    )
  const stored = new Float32Array(count)
  const little = order !== '>'
  for (let i = 0; i < count; i++) stored[i] = type.read(view, start + type.bytes * i, little)
  const data = fortranOrder && shape.length > 1 ? inCOrder(stored, shape) : stored
  return { shape, data, isWhole: !code?.startsWith('f') }
}

/** From the first axis varying fastest to the last. */
function inCOrder(stored: Float32Array, shape: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, side) => product * side, 1))
  const place = shape.map(() => 0)
  const data = new Float32Array(stored.length)
  for (let i = 0, from = 0; i < data.length; i++) {
    data[i] = stored[from]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++place[axis] < shape[axis]) break
      from -= strides[axis] * shape[axis]
      place[axis] = 0
    }
  }
  return data
}
