/**
 * The official split of NYU Depth v2's 1449 labelled frames: 795 for training, 654 for testing (`splits.mat` of Silberman et
 * al., ECCV 2012: `trainNdxs`, `testNdxs`). The split keeps scenes whole and cannot be derived from the frames, so the
 * numbers of the test frames are listed here, counted from 0. All others are for training. They are the numbers in the
 * file names of the test list that the BTS family of code bases shares, whose frames are numbered by their place in the
 * .mat file.
 */
import { isHdf5, isMatlab } from '../../node/decode-depth.ts'
import { DarError } from '../../support/errors.ts'
import { firstBytes } from '../../support/read-file.ts'
import { readText } from './files.ts'
import { withHdf5 } from './hdf5.ts'
import { type MatValue, readMat5 } from './mat5.ts'

/** How many frames the labelled set has. */
export const NYU_LABELED_FRAMES = 1449

const TEST_FRAMES =
  '0-1 8 13-17 20 27-42 45-46 55-56 58-62 75-78 83-90 116-118 124-128 130-133 136 152-154 166-168 170-175 ' +
  '179-201 206-211 219-221 249 263 270-272 278-284 295-301 309-311 314-316 324-334 350-351 354-363 383-389 ' +
  '394-396 410-413 429-434 440-447 461-465 468-476 507-512 514-525 530-532 536-538 548-550 554-570 578-582 ' +
  '590-593 602-606 611-612 616-620 632-637 643-644 649-650 655-657 662-663 667-672 675-680 685-689 692-693 ' +
  '696-698 705-712 716-717 723-727 730-733 742-743 758-786 799-803 809-813 820-822 832-845 849-851 856-861 ' +
  '868-870 905-907 916-918 925-927 931-934 944-946 958-961 964-966 969-976 990-994 1000-1003 1009-1011 ' +
  '1020-1022 1031-1033 1037-1038 1047-1048 1051-1052 1056-1057 1074-1083 1087-1095 1097-1103 1105-1108 ' +
  '1116-1118 1122-1130 1134-1135 1143-1157 1161-1166 1169-1170 1173-1175 1178-1183 1191-1195 1200-1211 ' +
  '1215-1219 1225-1229 1232-1234 1246-1249 1253-1264 1274-1279 1284-1294 1296-1298 1301-1307 1313-1314 ' +
  '1328-1331 1334-1339 1346-1348 1352-1355 1363-1364 1367-1368 1383-1390 1393-1400 1406-1413 1420-1423 ' +
  '1429-1432 1440-1448'

/** Frame numbers of the two sides, counted from 0, ascending. */
export interface NyuSplit {
  readonly train: readonly number[]
  readonly test: readonly number[]
}

/** The split that its authors published: 795 frames to train on, 654 to test on, by their numbers from 0. */
export function officialNyuSplit(): NyuSplit {
  const test = TEST_FRAMES.split(' ').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
  const held = new Set(test)
  return { train: Array.from({ length: NYU_LABELED_FRAMES }, (_, i) => i).filter((i) => !held.has(i)), test }
}

/**
 * A split from a file: `splits.mat` (MATLAB 5 or 7.3, known by its content), which counts from 1, or text with the numbers of the test frames, counted from 0, or
 * the names of the BTS layout (`…/rgb_00045.jpg …`), one a line. `frames` is how many there are.
 * @throws DarError when it is neither, or a number is not that of a frame.
 */
export async function readNyuSplit(path: string, frames: number): Promise<NyuSplit> {
  const start = await firstBytes(path, 4096)
  const split = isHdf5(start)
    ? await fromHdf5(path)
    : isMatlab(start) || /\.mat$/i.test(path)
      ? await fromMat(path)
      : await fromText(path, frames)
  for (const i of [...split.train, ...split.test])
    if (!Number.isInteger(i) || i < 0 || i >= frames)
      throw new DarError(
        `${path} names frame ${i} (counted from 0), but there are ${frames}; is it the split of this file?`,
      )
  return split
}

async function fromMat(path: string): Promise<NyuSplit> {
  const variables = await readMat5(path)
  const side = (name: string): number[] => {
    const value: MatValue | undefined = variables.get(name)
    if (!(value instanceof Float64Array) || value.length === 0)
      throw new DarError(`${path} has no numbers '${name}'; give NYU's splits.mat`)
    return Array.from(value, (number) => number - 1).sort((a, b) => a - b)
  }
  return { train: side('trainNdxs'), test: side('testNdxs') }
}

/** MATLAB 7.3. Axes are reversed there, which a list of numbers does not show. */
async function fromHdf5(path: string): Promise<NyuSplit> {
  return withHdf5(path, (file) => {
    const side = (name: string) => Array.from(file.read(name), (number) => number - 1).sort((a, b) => a - b)
    return { train: side('trainNdxs'), test: side('testNdxs') }
  })
}

async function fromText(path: string, frames: number): Promise<NyuSplit> {
  const lines = (await readText(path))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const test = lines.map((line) => {
    const number = /rgb_(\d+)\./.exec(line)?.[1] ?? /^\d+$/.exec(line)?.[0]
    if (number === undefined)
      throw new DarError(`${path}: ${JSON.stringify(line)} is not a frame number; give one a line`)
    return Number(number)
  })
  if (test.length === 0) throw new DarError(`${path} names no frame; give one number a line`)
  const held = new Set(test)
  return {
    train: Array.from({ length: frames }, (_, i) => i).filter((i) => !held.has(i)),
    test: [...held].sort((a, b) => a - b),
  }
}
