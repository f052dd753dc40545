/**
 * The page of a run: one HTML document with its style and its script inside, which loads nothing from elsewhere. Served while a run
 * goes on, it asks for news every two seconds. As a report it holds everything and asks for nothing. The script also reads a chart
 * under the pointer. It is plain JavaScript, as text, so that no step of a build stands between it and the page.
 */
import { escapeHtml } from '../eval/charts.ts'

/** The pieces of a page, in order: an id, a heading, and what is under it, which may be empty. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly html: string
  /** Folded until it is clicked. Default: false. */
  readonly folded?: boolean
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --faint: #5c5c5c; --line: #dcdcdc; --grid: #e6e6e6; --good: #1d7a3d; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #15171a; --faint: #a3a7ad; --line: #34383e; --grid: #2b2f35; --good: #62c98a; --bad: #ff8a80 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 90rem; padding: 1.2rem 1rem 4rem; color: var(--ink); background: var(--paper) }
h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere } h2 { font-size: 1.15rem; margin: 2rem 0 .6rem } h3 { font-size: .95rem; margin: 0 0 .2rem; overflow-wrap: anywhere }
.state { margin: .1rem 0 .5rem; overflow-wrap: anywhere } .good { color: var(--good) } .bad { color: var(--bad) } .still { color: var(--faint) }
progress { width: 100%; height: .7rem; accent-color: #2f7fd1 }
.facts { display: flex; flex-wrap: wrap; gap: .4rem 1.8rem; margin: .6rem 0 0 } .facts div { min-width: 4.5rem } dt { font-size: .8rem; color: var(--faint) } dd { margin: 0; font-size: 1.1rem; font-variant-numeric: tabular-nums }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1.6rem 1.4rem } figure { margin: 0 } figcaption { font-size: .82rem; color: var(--faint) }
.chart { position: relative } svg { display: block; width: 100%; height: auto; touch-action: pan-y } svg text { font-size: 12px; fill: var(--faint) } .grid { stroke: var(--grid) } .cursor { stroke: var(--faint); stroke-dasharray: 3 3 }
.legend { margin: 0; font-size: .82rem } .legend span { margin-right: .9rem; white-space: nowrap } .legend i { display: inline-block; width: .9rem; height: .25rem; margin-right: .3rem; vertical-align: middle }
.reading { position: absolute; right: .4rem; top: 1.7rem; margin: 0; padding: .2rem .5rem; font-size: .8rem; background: var(--paper); border: 1px solid var(--line); border-radius: 4px; font-variant-numeric: tabular-nums; pointer-events: none } .reading.left { right: auto; left: 3.6rem } .reading b { display: block } .reading span { display: block }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums } td, th { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line) } td:first-child, th:first-child { text-align: left }
.image { margin: 1rem 0 } .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 45%), 1fr)); gap: .5rem } .pictures img { width: 100%; height: auto; display: block }
.scale { max-width: 20rem; font-size: .82rem } .scale div { height: .7rem } .scale p { display: flex; justify-content: space-between; margin: 0 } summary { cursor: pointer; color: var(--faint) } summary h2 { display: inline-block; color: var(--ink) }
pre { overflow-x: auto; font-size: .82rem; padding: .8rem; border: 1px solid var(--line); border-radius: 4px } li { overflow-wrap: anywhere } #lost { color: var(--bad) }
@media (max-width: 32rem) { svg text { font-size: 16px } .facts { gap: .3rem 1.2rem } }`

/** Reads a chart where the pointer is: the values of its lines there, from the pixels of their paths. */
const READ_CHARTS = `
const toValue = (share, text) => {
  const [ends, scale] = text.split(' ')
  const [low, high] = ends.split(',').map(Number)
  const value = low + share * (high - low)
  return scale === 'log' ? 10 ** value : value
}
const short = (value) => Number(value.toPrecision(4)).toString()
const clear = () => { for (const one of document.querySelectorAll('.cursor, .reading')) one.remove() }
const read = (event) => {
  const svg = event.target.closest?.('svg[data-plot]')
  clear()
  if (!svg) return
  const [left, top, width, height] = svg.dataset.plot.split(',').map(Number)
  const at = (event.clientX - svg.getBoundingClientRect().left) * svg.viewBox.baseVal.width / svg.clientWidth
  const lines = [...svg.querySelectorAll('path[data-label]')].map((path) => {
    const points = path.getAttribute('d').slice(1).split('L').map((point) => point.split(' ').map(Number))
    const near = points.reduce((best, point) => Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best)
    return { label: path.dataset.label, colour: path.getAttribute('stroke'), near }
  }).filter(({ near }) => near.every(Number.isFinite))
  if (lines.length === 0) return
  const x = lines.reduce((best, { near }) => Math.abs(near[0] - at) < Math.abs(best - at) ? near[0] : best, lines[0].near[0])
  const cursor = document.createElementNS('http://www.w3.org/2000/svg', 'line')
  for (const [name, value] of Object.entries({ class: 'cursor', x1: x, x2: x, y1: top, y2: top + height })) cursor.setAttribute(name, value)
  svg.append(cursor)
  const reading = document.createElement('p')
  reading.className = x > left + width / 2 ? 'reading left' : 'reading'
  const head = document.createElement('b')
  head.textContent = 'update ' + Math.round(toValue((x - left) / width, svg.dataset.x))
  reading.append(head)
  for (const { label, colour, near } of lines) {
    const line = document.createElement('span')
    line.style.color = colour
    line.textContent = label + ' ' + short(toValue(1 - (near[1] - top) / height, svg.dataset.y))
    reading.append(line)
  }
  svg.parentElement.append(reading)
}
document.addEventListener('pointermove', read)
document.addEventListener('pointerdown', read)`

/** Asks the server for what is new, and puts it in the places of its sections. */
const ASK_FOR_NEWS = `
let version = document.body.dataset.version
const shown = {}
const lost = document.getElementById('lost')
const put = (id, html) => {
  if (shown[id] === html) return
  shown[id] = html
  const place = document.getElementById(id)
  place.querySelector('.content').innerHTML = html
  place.hidden = html === ''
}
const ask = async () => {
  try {
    if (!document.hidden) {
      const answer = await fetch('live?version=' + encodeURIComponent(version))
      if (!answer.ok) throw new Error(answer.statusText)
      const news = await answer.json()
      version = news.version
      document.title = news.title
      for (const [id, html] of Object.entries(news.sections)) put(id, html)
      lost.hidden = true
    }
  } catch {
    lost.hidden = false
  }
  setTimeout(ask, 2000)
}
setTimeout(ask, 2000)`

/** The scripts of the two kinds of page, as they stand in the document: the server names their hashes. */
export const SCRIPTS = { report: READ_CHARTS, live: `${READ_CHARTS}${ASK_FOR_NEWS}` } as const

/** The whole document. `version`: of a live page, what it shows already. */
export function pageOf(
  title: string,
  sections: readonly Section[],
  { kind, version = '' }: { readonly kind: keyof typeof SCRIPTS; readonly version?: string },
): string {
  const lost =
    kind === 'live'
      ? '<p id="lost" hidden>No answer: the page is no longer served. What you see is the last state.</p>'
      : ''
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>${escapeHtml(title)}</title><style>${STYLE}</style>`
  return `<!doctype html>\n<html lang="en"><head>${head}</head><body data-version="${escapeHtml(version)}">\n${lost}${sections.map(sectionOf).join('\n')}\n<script type="module">${SCRIPTS[kind]}</script></body></html>\n`
}

function sectionOf({ id, title, html, folded = false }: Section): string {
  const hidden = html === '' ? ' hidden' : ''
  const content = `<div class="content">${html}</div>`
  if (folded)
    return `<section id="${id}"${hidden}><details><summary><h2>${title}</h2></summary>${content}</details></section>`
  return `<section id="${id}"${hidden}>${title === '' ? '' : `<h2>${title}</h2>`}${content}</section>`
}
