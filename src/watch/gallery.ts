/** The pictures of a run as HTML: a row for each validation image, photo and truth and every step. */
import { escapeHtml } from '../eval/charts.ts'
import { colorTable } from '../image/index.ts'
import { type PictureIndex, pictureFile, validationFolder } from '../train/pictures.ts'

/** Where a picture lies: a relative address, or the picture itself. */
export type Source = (folder: string, file: string) => string

/** Newest validation first, older ones folded. */
export function gallery(indices: readonly PictureIndex[], source: Source): string {
  const [newest, ...older] = indices.toReversed()
  if (newest === undefined) return ''
  const folded = older.map(
    (index) => `<details><summary>After update ${index.step}</summary>${rows(index, source)}</details>`,
  )
  return `<p>After update ${newest.step}.</p>${scaleBar(newest)}${rows(newest, source)}${folded.join('')}`
}

function rows(index: PictureIndex, source: Source): string {
  const folder = validationFolder(index.step)
  return index.images
    .map(({ set, name, abs_rel }, i) => {
      const picture = (file: string, caption: string) =>
        `<figure><img loading="lazy" src="${escapeHtml(source(folder, file))}" width="${index.width}" height="${index.height}" alt="${escapeHtml(`${caption} of ${name}`)}"><figcaption>${caption}</figcaption></figure>`
      const steps = abs_rel.map((error, k) =>
        picture(pictureFile(i, `step${k + 1}`), `step ${k + 1}, abs_rel ${error.toFixed(3)}`),
      )
      const all = [picture(pictureFile(i, 'photo'), 'photo'), picture(pictureFile(i, 'truth'), 'measured'), ...steps]
      return `<section class="image"><h3>${escapeHtml(`${set}: ${name}`)}</h3><div class="pictures">${all.join('')}</div></section>`
    })
    .join('')
}

const STOPS = 16

/** The colours from near to far. */
function scaleBar({ near, far }: PictureIndex): string {
  const table = colorTable('turbo')
  const stops = Array.from({ length: STOPS + 1 }, (_, i) => {
    const at = 3 * Math.round(255 * (1 - i / STOPS)) // near is the warm end
    return `rgb(${table[at]},${table[at + 1]},${table[at + 2]})`
  })
  const middle = Math.sqrt(near * far)
  const ends = [near, middle, far].map((metres) => `<span>${Number(metres.toPrecision(2))} m</span>`).join('')
  return `<div class="scale"><div style="background:linear-gradient(to right,${stops.join(',')})"></div><p>${ends}</p></div>`
}
