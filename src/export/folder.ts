/**
 * An exported folder on disk. It appears whole or not at all: written beside its place under a temporary name, then renamed.
 *
 *     DIR/config.json, preprocessor_config.json, onnx/model*.onnx      the first size
 *     DIR/<W>x<H>/…                                                     the same for every further size
 *
 * Each size is a folder that loads by itself, because the size is part of the graph and of the preprocessor's config, of which
 * the library reads one per folder; and DIR always loads.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type ModelProto, writeModel } from '../graph/index.ts'
import { imageMultiple } from '../model/index.ts'
import { type ModelFile, networkSize, openModel, type Size } from '../predict/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { MARK, modelConfig, modelFileName, preprocessorConfig } from './config-files.ts'
import { exportGraph, type Precision } from './graph.ts'

/** A protobuf message ends at 2 GiB; a little is left for the graph itself. */
const MAX_WEIGHT_BYTES = 2 ** 31 - 2 ** 25

export interface ExportOptions {
  /** Sizes to export, the first at the top of the folder; default: those that the model was trained at. */
  readonly sizes?: readonly Size[]
  readonly precision?: Precision
  /** Replace a previous export. */
  readonly force?: boolean
  /** Called after every file. */
  readonly onFile?: (path: string, bytes: number) => void
}

export interface ExportedSize extends Size {
  /** Folder to hand to `pipeline('depth-estimation', …)`. */
  readonly folder: string
  /** Bytes of the .onnx file. */
  readonly bytes: number
}

export interface ExportResult {
  readonly model: string
  readonly precision: Precision
  readonly sizes: readonly ExportedSize[]
}

/**
 * Exports a model (name or file, as `loadModel`) into `folder`.
 * @throws DarError when the model cannot be read, a size does not suit its encoder, the folder holds something else than a
 *   previous export (or is one, and `force` was not given) or cannot be written, or the weights pass 2 GiB.
 */
export async function exportModel(
  nameOrPath: string,
  folder: string,
  { sizes: asked, precision = 'fp32', force = false, onFile }: ExportOptions = {},
): Promise<ExportResult> {
  const target = resolve(folder)
  await refuseForeign(folder, target, force)
  const file = await openModel(nameOrPath, { mapAbove: Number.POSITIVE_INFINITY })
  const sizes = asked && asked.length > 0 ? asked : defaultSizes(file)
  checkSizes(sizes, imageMultiple(file.config))

  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.tmp`)
  const exported: ExportedSize[] = []
  try {
    for (const [i, size] of sizes.entries()) {
      const place = i === 0 ? '' : sizeText(size)
      const bytes = await writeSize(join(temporary, place), file, size, precision)
      exported.push({ ...size, folder: join(folder, place), bytes })
      onFile?.(join(folder, place, modelFileName(precision)), bytes)
    }
    await putInPlace(temporary, target)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    if (error instanceof Error && 'code' in error && 'syscall' in error)
      throw new DarError(`cannot write ${folder}: ${messageOf(error)}; choose a folder you may write to`)
    throw error
  }
  return { model: file.name, precision, sizes: exported }
}

async function writeSize(folder: string, file: ModelFile, size: Size, precision: Precision): Promise<number> {
  const graph = exportGraph(file, size, precision)
  checkWeightBytes(graph, file.name, precision)
  const model = writeModel(graph)
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  await mkdir(join(folder, 'onnx'), { recursive: true })
  await writeFile(join(folder, 'config.json'), json(modelConfig(file, size, precision)))
  await writeFile(join(folder, 'preprocessor_config.json'), json(preprocessorConfig(file, size)))
  await writeFile(join(folder, modelFileName(precision)), model)
  return model.byteLength
}

/** Sizes of the training, else the file's budget in the multiples that the encoder needs. */
function defaultSizes({ trainedSizes, size, config }: ModelFile): readonly Size[] {
  return trainedSizes.length > 0 ? trainedSizes : [networkSize(size, size, imageMultiple(config))]
}

function checkSizes(sizes: readonly Size[], multiple: number): void {
  const seen = new Set<string>()
  for (const size of sizes) {
    const text = sizeText(size)
    if (seen.has(text)) throw new DarError(`the size ${text} is given twice; name each size once`)
    seen.add(text)
    const least = Math.ceil(64 / multiple) * multiple
    if (size.width % multiple !== 0 || size.height % multiple !== 0 || Math.min(size.width, size.height) < least)
      throw new DarError(
        `the size ${text} does not suit the model: width and height must be multiples of ${multiple} from ${least} on`,
      )
  }
}

function checkWeightBytes({ initializers }: ModelProto, name: string, precision: Precision): void {
  let bytes = 0
  for (const { content } of initializers) bytes += content.kind === 'raw' ? content.bytes.byteLength : 0
  if (bytes > MAX_WEIGHT_BYTES)
    throw new DarError(
      `${name} in ${precision} has ${(bytes / 2 ** 30).toFixed(1)} GiB of weights, and an ONNX file holds 2; export it with --fp16 or --int8`,
    )
}

const sizeText = ({ width, height }: Size) => `${width}x${height}`

/** Nothing that is not an export of ours is ever replaced. */
async function refuseForeign(folder: string, target: string, force: boolean): Promise<void> {
  const found = await stat(target).catch(() => null)
  if (!found) return
  if (!found.isDirectory()) throw new DarError(`${folder} is a file; give a folder that does not exist yet`)
  if ((await readdir(target)).length === 0) return
  if (!(await isExport(target)))
    throw new DarError(`the folder ${folder} is not empty and no earlier export; give one that does not exist yet`)
  if (!force) throw new DarError(`${folder} holds an earlier export; give --force to replace it, or another folder`)
}

async function isExport(folder: string): Promise<boolean> {
  try {
    const config: unknown = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))
    return typeof config === 'object' && config !== null && MARK in config
  } catch {
    return false
  }
}

/** The old folder steps aside for the new one, and comes back if that cannot take its place. */
async function putInPlace(temporary: string, target: string): Promise<void> {
  const aside = `${temporary}.old`
  const hadOne = (await stat(target).catch(() => null)) !== null
  if (hadOne) await rename(target, aside)
  try {
    await rename(temporary, target)
  } catch (error) {
    if (hadOne) await rename(aside, target)
    throw error
  }
  if (hadOne) await rm(aside, { recursive: true, force: true })
}
