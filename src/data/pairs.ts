/**
 * Finds pairs of a photo and its depth map by common naming schemes:
 *
 *     rgb/x.jpg       depth/x.png              two folders; also images/ + depths/, color/ + depth/ (ScanNet), …
 *     x.png           x_depth.npy              one folder; with x_depth_mask.npy, 0 where depth does not count (DIODE)
 *     x.jpg           x.npy                    one folder, a kind of file that no photo is
 *     set/rgb/…       set/depth/…              any of these some folders deeper, once or for each scene
 *
 * Extensions and folders may be in any case. Names are compared in Unicode's composed form: macOS stores the other one.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DarError } from '../support/errors.ts'
import { walk } from './readers/files.ts'

/** Extensions of photos, in lower case. */
const PHOTO_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp']
/** Depth maps that are read, the first that is there; then those that are known and are not. */
const DEPTH_EXTENSIONS: readonly string[] = ['.png', '.npy', '.tiff', '.tif']
const UNREAD_EXTENSIONS: readonly string[] = ['.exr', '.pfm', '.npz', '.mat', '.h5', '.hdf5', '.raw', '.bin']

/** Names of the folder of photos, in lower case. */
export const PHOTO_FOLDERS: readonly string[] = ['rgb', 'images', 'image', 'color', 'colour', 'photos']
const DEPTH_FOLDERS = ['depth', 'depths']

/** `rgb_`, `_depth` and the like around the name that a photo and its depth share. */
const AFFIX = /^(?:rgb|colou?r|image|depth)[_-]|[_.-](?:rgb|colou?r|image|depth)$/i
const DEPTH_SUFFIX = /[_.-]depth$/i
const MASK_SUFFIX = /[_.-]depth[_.-]mask$/i

/** The most levels between the given folder and the folder with the pairs. */
const LEVELS = 6
/** The most folders of a set of scenes. */
const MOST_FOLDERS = 20_000

/** The pairs of one folder. Paths are relative to `root`, with `/`. */
export interface Pairs {
  /** The folder that has them, or whose two folders have them; `''` is the root itself. */
  readonly base: string
  /** Photos by their name without extension, relative to their folder. */
  readonly photos: ReadonlyMap<string, string>
  /** Depth maps by the name of their photo. */
  readonly depths: ReadonlyMap<string, string>
  readonly masks: ReadonlyMap<string, string>
  /** Depth maps of no photo. */
  readonly orphans: readonly string[]
  /** Where depth maps were looked for, for messages. */
  readonly depthFolder: string
}

/** As one, however a system stores an accent. */
export const composed = (name: string): string => name.normalize('NFC')

/** The folders of pairs at or below `root`, in the order of their names; empty where there are none. Throws a DarError for two photos of one name. */
export async function findPairs(root: string): Promise<readonly Pairs[]> {
  const own = await pairsAt(root, '')
  if (own) return [own]
  const found: Pairs[] = []
  for (const folder of await foldersBelow(root)) {
    if (found.some(({ base }) => folder.startsWith(`${base}/`))) continue
    const pairs = await pairsAt(root, folder)
    if (pairs) found.push(pairs)
  }
  return found
}

/** The folders of a tree, relative to its root; seen in the paths of its files, so that links are followed as `walk` does. */
async function foldersBelow(root: string): Promise<string[]> {
  const folders = new Set<string>()
  for await (const path of walk(root, { levels: LEVELS + 1 })) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end)
      if (folders.has(folder)) break
      folders.add(folder)
    }
    if (folders.size > MOST_FOLDERS) break
  }
  return [...folders].sort()
}

async function pairsAt(root: string, base: string): Promise<Pairs | null> {
  const entries = await readdir(join(root, base), { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => !entry.isFile()).map(({ name }) => name)
  const named = (wanted: readonly string[]) =>
    wanted.flatMap((one) => folders.filter((name) => name.toLowerCase() === one))[0]
  const [photoFolder, depthFolder] = [named(PHOTO_FOLDERS), named(DEPTH_FOLDERS)]
  if (photoFolder !== undefined && depthFolder !== undefined)
    return pairsOfFolders(root, base, below(base, photoFolder), below(base, depthFolder))
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
  return pairsBeside(root, base, files)
}

const below = (base: string, name: string) => (base === '' ? name : `${base}/${name}`)

async function pairsOfFolders(root: string, base: string, photoFolder: string, depthFolder: string): Promise<Pairs> {
  const photos = await namedPhotos(root, photoFolder)
  const candidates: string[] = []
  for await (const path of walk(join(root, depthFolder), { levels: LEVELS })) candidates.push(path)
  const { depths, orphans } = matched(photos, candidates, depthFolder)
  return { base, photos, depths, masks: new Map(), orphans, depthFolder }
}

/** Photos below `folder` by name. Throws a DarError when two have one name. */
export async function namedPhotos(
  root: string,
  folder: string,
  { levels = LEVELS }: { readonly levels?: number } = {},
): Promise<Map<string, string>> {
  const photos = new Map<string, string>()
  for await (const path of walk(join(root, folder), { levels })) {
    if (!PHOTO_EXTENSIONS.includes(extensionOf(path)) || hidden(path)) continue
    addPhoto(photos, path, folder === '' ? path : `${folder}/${path}`, root)
  }
  return photos
}

function addPhoto(photos: Map<string, string>, file: string, path: string, root: string): void {
  const name = composed(stemOf(file))
  const other = photos.get(name)
  if (other !== undefined)
    throw new DarError(`${join(root, other)} and ${file} have the same name; rename one of the two`)
  photos.set(name, path)
}

/** Which of the files of a depth folder belongs to which photo. */
function matched(photos: ReadonlyMap<string, string>, files: readonly string[], folder: string) {
  const bare = new Map([...photos.keys()].map((name) => [bareOf(name), name]))
  const depths = new Map<string, string>()
  const orphans: string[] = []
  const ranked = files
    .filter((file) => rankOf(file) >= 0 && !hidden(file))
    .sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1))
  for (const file of ranked) {
    const stem = composed(stemOf(file))
    const name = photos.has(stem) ? stem : bare.get(bareOf(stem))
    const path = `${folder}/${file}`
    if (name === undefined) orphans.push(path)
    else if (!depths.has(name)) depths.set(name, path)
  }
  return { depths, orphans }
}

/**
 * Folders beside the folder of photos that may hold their depth maps under a name that is not known (`gt/`, `disparity/`), with
 * the number of files that have a photo's name.
 */
export async function otherDepthFolders(
  root: string,
  photoFolder: string,
  photos: ReadonlyMap<string, string>,
): Promise<readonly { readonly folder: string; readonly maps: number }[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== photoFolder).map(({ name }) => name)
  const found: { folder: string; maps: number }[] = []
  for (const folder of folders.filter((name) => !hidden(name)).sort()) {
    const candidates: string[] = []
    for await (const path of walk(join(root, folder), { levels: 0 })) candidates.push(path)
    const { depths } = matched(photos, candidates, folder)
    if (depths.size > 0) found.push({ folder, maps: depths.size })
  }
  return found
}

/** Files of one folder. Null where no depth map lies beside a photo. */
function pairsBeside(root: string, base: string, files: readonly string[]): Pairs | null {
  const isDepth = (file: string) =>
    rankOf(file) >= 0 &&
    !MASK_SUFFIX.test(stemOf(file)) &&
    (DEPTH_SUFFIX.test(stemOf(file)) || !PHOTO_EXTENSIONS.includes(extensionOf(file)))
  const visible = files.filter((file) => !hidden(file)).sort()
  const photos = new Map<string, string>()
  for (const file of visible)
    if (PHOTO_EXTENSIONS.includes(extensionOf(file)) && !isDepth(file) && !MASK_SUFFIX.test(stemOf(file)))
      addPhoto(photos, file, below(base, file), join(root, base))
  const depths = new Map<string, string>()
  const orphans: string[] = []
  for (const file of visible.filter(isDepth).sort((a, b) => rankOf(a) - rankOf(b))) {
    const name = composed(stemOf(file)).replace(DEPTH_SUFFIX, '')
    if (!photos.has(name)) orphans.push(below(base, file))
    else if (!depths.has(name)) depths.set(name, below(base, file))
  }
  if (depths.size === 0) return null
  const masks = new Map(
    visible
      .filter((file) => MASK_SUFFIX.test(stemOf(file)))
      .map((file) => [composed(stemOf(file)).replace(MASK_SUFFIX, ''), below(base, file)]),
  )
  return { base, photos, depths, masks, orphans, depthFolder: base }
}

/** Place in the order of kinds of depth maps; −1 for what is none. */
const rankOf = (file: string) => [...DEPTH_EXTENSIONS, ...UNREAD_EXTENSIONS].indexOf(extensionOf(file))
const hidden = (path: string) => path.slice(path.lastIndexOf('/') + 1).startsWith('.')

function extensionOf(path: string): string {
  const dot = path.lastIndexOf('.')
  return dot > path.lastIndexOf('/') ? path.slice(dot).toLowerCase() : ''
}

const stemOf = (path: string) => path.slice(0, path.length - extensionOf(path).length)

/** A name without its affixes, folder by folder as it was. */
function bareOf(name: string): string {
  const slash = name.lastIndexOf('/') + 1
  return name.slice(0, slash) + name.slice(slash).replace(AFFIX, '').toLowerCase()
}
