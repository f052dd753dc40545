/**
 * An exported folder on disk. It appears whole or not at all: written beside its place under a temporary name, then renamed. What an
 * export wrote is listed in it, so that a later one with `force` replaces that and refuses where anything else lies there.
 *
 *     DIR/config.json, preprocessor_config.json, onnx/model*.onnx      the first size (onnx/model*.onnx_data* beside it when
 *                                                                       its weights pass 2 GiB: external-data.ts)
 *     DIR/<W>x<H>/…                                                     the same for every further size
 *     DIR/dar-export.json                                               SHA-256 of every file above
 *
 * Each size is a folder that loads by itself, because the size is part of the graph and of the preprocessor's config,
 * and the library reads one such config per folder. DIR itself always loads.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { writeModel } from '../graph/index.ts'
import { imageMultiple } from '../model/index.ts'
import { type ModelFile, openModel } from '../node/index.ts'
import { listed, networkSize, type Size, sizeText } from '../predict/index.ts'
import { cannotWrite } from '../support/cannot-write.ts'
import { DarError } from '../support/errors.ts'
import { syncFile, syncFolder } from '../support/files.ts'
import { makeFolder } from '../support/folders.ts'
import { readTextFile } from '../support/read-file.ts'
import { sweepOnce, temporaryBeside } from '../support/temporary.ts'
import { averagingFactor, withAveraging } from './average.ts'
import { MARK, modelConfig, modelFileName, preprocessorConfig } from './config-files.ts'
import { externalise, MAX_FILE_BYTES, weightBytes, writeDataFile } from './external-data.ts'
import { exportGraph, type Precision } from './graph.ts'

export interface ExportOptions {
  /** Sizes to export, the first at the top of the folder; default: those that the model was trained at. */
  readonly sizes?: readonly Size[]
  readonly precision?: Precision
  /** Replace a previous export. */
  readonly force?: boolean
  /** Weights beyond this go into files of at most this size beside the .onnx; default: what one file can hold. */
  readonly maxFileBytes?: number
  /** Called after every file. */
  readonly onFile?: (path: string, bytes: number) => void
}

export interface ExportedSize extends Size {
  /** Folder to hand to `pipeline('depth-estimation', …)`. */
  readonly folder: string
  /** Bytes of the .onnx file and of the data files beside it. */
  readonly bytes: number
}

export interface ExportResult {
  readonly model: string
  readonly precision: Precision
  readonly sizes: readonly ExportedSize[]
}

/**
 * Exports a model (name or file, as `loadModel`) into `folder`.
 * @throws DarError when the model cannot be read, a size does not suit its encoder or is none that it was trained at, the folder holds something else than a
 *   previous export (or is one, and `force` was not given) or cannot be written.
 */
export async function exportModel(
  nameOrPath: string,
  folder: string,
  { sizes: asked, precision = 'fp32', force = false, maxFileBytes = MAX_FILE_BYTES, onFile }: ExportOptions = {},
): Promise<ExportResult> {
  const target = resolve(folder)
  await refuseForeign(folder, target, force)
  // Large float32 weights are copied from file to file; the other precisions are made of values in memory.
  const mapAbove = precision === 'fp32' ? maxFileBytes : Number.POSITIVE_INFINITY
  const file = await openModel(nameOrPath, { mapAbove })
  const sizes = asked && asked.length > 0 ? asked : defaultSizes(file)
  checkSizes(sizes, file)

  sweepOnce(dirname(target))
  const temporary = temporaryBeside(target)
  const exported: ExportedSize[] = []
  try {
    for (const [i, size] of sizes.entries()) {
      const place = i === 0 ? '' : sizeText(size)
      const written = await writeSize(join(temporary, place), file, size, { precision, maxFileBytes })
      exported.push({ ...size, folder: join(folder, place), bytes: written.reduce((sum, { bytes }) => sum + bytes, 0) })
      for (const { name, bytes } of written) onFile?.(join(folder, place, name), bytes)
    }
    await writeManifest(temporary)
    await putInPlace(temporary, target)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    if (error instanceof Error && 'code' in error && 'syscall' in error) throw cannotWrite(folder, error)
    throw error
  }
  return { model: file.name, precision, sizes: exported }
}

/** Everything of one size; returns the files that hold the network, by their names in the folder. */
async function writeSize(
  folder: string,
  file: ModelFile,
  size: Size,
  { precision, maxFileBytes }: Required<Pick<ExportOptions, 'precision' | 'maxFileBytes'>>,
): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  const factor = averagingFactor(size)
  const graph = withAveraging(exportGraph(file, size, precision), size, factor)
  const name = modelFileName(precision)
  const { model, files } =
    weightBytes(graph) > maxFileBytes
      ? externalise(graph, basename(name), { maxFileBytes })
      : { model: graph, files: [] }
  const bytes = writeModel(model)
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  const onnx = join(folder, dirname(name))
  await makeFolder(onnx)
  const input = { width: factor * size.width, height: factor * size.height }
  const config = modelConfig(file, size, { precision, input, dataFiles: files.length })
  await writeFile(join(folder, 'config.json'), json(config))
  await writeFile(join(folder, 'preprocessor_config.json'), json(preprocessorConfig(file, input)))
  await writeFile(join(folder, name), bytes)
  for (const data of files) await writeDataFile(onnx, data, file.path)
  return [
    { name, bytes: bytes.byteLength },
    ...files.map((data) => ({ name: join(dirname(name), data.name), bytes: data.bytes })),
  ]
}

/** Sizes of the training, else the file's budget in the multiples that the encoder needs. */
function defaultSizes({ trainedSizes, size, config }: ModelFile): readonly Size[] {
  return trainedSizes.length > 0 ? trainedSizes : [networkSize(size, size, imageMultiple(config))]
}

/** A graph at a size that the model was not trained at would give other metres without a word. */
function checkSizes(sizes: readonly Size[], { name, config, trainedSizes }: ModelFile): void {
  const multiple = imageMultiple(config)
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
    if (trainedSizes.length > 0 && !trainedSizes.some((trained) => sizeText(trained) === text))
      throw new DarError(
        `${name} was trained at ${listed(trainedSizes)} and its metres are right only there: leave out the size ${text}, or give one of those`,
      )
  }
}

/** Only an export of ours, unchanged, is ever replaced. */
async function refuseForeign(folder: string, target: string, force: boolean): Promise<void> {
  const found = await stat(target).catch(() => null)
  if (!found) return
  if (!found.isDirectory()) throw new DarError(`${folder} is a file; give a folder that does not exist yet`)
  const files = await filesIn(target)
  if (files.length === 0) return
  if (!(await isExport(target)))
    throw new DarError(`the folder ${folder} is not empty and no earlier export; give one that does not exist yet`)
  if (!force) throw new DarError(`${folder} holds an earlier export; give --force to replace it, or another folder`)
  const foreign = await foreignFiles(target, files)
  if (foreign.length === 0) return
  const more = foreign.length > NAMED ? `, and ${foreign.length - NAMED} more` : ''
  throw new DarError(
    `${folder} holds what the earlier export did not write, or what was changed since: ${foreign.slice(0, NAMED).join(', ')}${more}; ` +
      'move that away, or give another folder',
  )
}

/** At most so many foreign files are named. */
const NAMED = 5
const MANIFEST = 'dar-export.json'

/** Paths of everything in a folder that is no folder, below it, with `/`. An empty folder counts as a file: somebody made it. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
  return paths.filter((path, i) => !entries[i].isDirectory() || !paths.some((other) => other.startsWith(`${path}/`)))
}

/** Those that no export wrote, and those that are not as it wrote them. Exports of older versions are known by their names. */
async function foreignFiles(folder: string, files: readonly string[]): Promise<string[]> {
  const manifest = await readManifest(folder)
  if (!manifest) return files.filter((file) => !OWN_NAMES.test(file))
  const own = await Promise.all(
    files.map(async (file) => {
      if (file === MANIFEST) return true
      return Object.hasOwn(manifest, file) && manifest[file] === (await hashOf(join(folder, file)))
    }),
  )
  return files.filter((_, i) => !own[i])
}

const OWN_NAMES =
  /^(\d+x\d+\/)?(config\.json|preprocessor_config\.json|onnx\/model(_fp16|_quantized)?\.onnx(_data(_\d+)?)?)$/

async function readManifest(folder: string): Promise<Record<string, unknown> | null> {
  try {
    const { files } = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8'))
    return typeof files === 'object' && files !== null ? files : null
  } catch {
    return null
  }
}

/** Brings every file to the disk, and lists it. */
async function writeManifest(folder: string): Promise<void> {
  const files = (await filesIn(folder)).sort()
  const hashes: Record<string, string | null> = {}
  for (const file of files) {
    await syncFile(join(folder, file))
    hashes[file] = await hashOf(join(folder, file))
  }
  await writeFile(join(folder, MANIFEST), `${JSON.stringify({ files: hashes }, null, 2)}\n`)
  await syncFile(join(folder, MANIFEST))
  for (const inner of new Set([...files.map((file) => dirname(file)), '.'])) await syncFolder(join(folder, inner))
}

/** Null where it cannot be read, as a link to nowhere. */
async function hashOf(path: string): Promise<string | null> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer)
  } catch {
    return null
  }
  return hash.digest('hex')
}

async function isExport(folder: string): Promise<boolean> {
  try {
    const config: unknown = JSON.parse(await readTextFile(join(folder, 'config.json')))
    return typeof config === 'object' && config !== null && MARK in config
  } catch {
    return false
  }
}

/** The old folder is moved aside for the new one, and moved back if the new one cannot take its place. */
async function putInPlace(temporary: string, target: string): Promise<void> {
  const aside = temporaryBeside(target, 'old')
  const hadOne = (await stat(target).catch(() => null)) !== null
  if (hadOne) await rename(target, aside)
  try {
    await rename(temporary, target)
    await syncFolder(dirname(target))
  } catch (error) {
    if (hadOne) await rename(aside, target)
    throw error
  }
  if (hadOne) await rm(aside, { recursive: true, force: true })
}
