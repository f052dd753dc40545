/**
 * An evaluation as one HTML file to look at and to send: figures with their protocol, steps, error against distance,
 * calibration of sigma, the best and the worst frames. No scripts and nothing loaded from elsewhere; pictures are inside.
 */
import { colorTable } from '../image/colormap.ts'
import type { RgbImage } from '../image/types.ts'
import { encodePngRgb } from '../node/png16.ts'
import { SPARSIFICATION_STEPS } from './calibration.ts'
import { type Case, type Cases, depthColours, WORST_ERROR } from './cases.ts'
import { escapeHtml, lineChart } from './charts.ts'
import { FIGURES } from './judge.ts'
import { protocolText, type Subject } from './record.ts'
import type { Evaluation } from './tally.ts'

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1rem; color: #1c1c1c; background: #fff }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } td, th { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left } .protocol { background: #f3f3f3; padding: .5rem .8rem; border-radius: 4px }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem } figure { margin: 0 } .charts figure { width: 460px } figcaption { font-size: .85rem; color: #444; max-width: 30rem }
svg text { font-size: 12px; fill: #444 } .grid { stroke: #e4e4e4 } .bar { fill: #e9eef5 }
.legend { margin: 0; font-size: .85rem } .legend span { margin-right: 1rem } .legend i { display: inline-block; width: 1rem; height: .25rem; margin-right: .35rem; vertical-align: middle }
.case { margin: 1.2rem 0 } .pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: .5rem } .pictures img { width: 100%; display: block }
.case p { margin: .2rem 0; font-size: .9rem } .scales { display: flex; flex-wrap: wrap; gap: 2.5rem; font-size: .85rem } .scales img { display: block; height: 14px; width: 300px }
.ends { display: flex; justify-content: space-between; width: 300px } .warn { color: #8a3b00 }`

/** The whole document. `cases` may be null: then no frame is shown. */
export async function htmlReport(evaluation: Evaluation, subject: Subject, cases: Cases | null): Promise<string> {
  const { data, model, predictions } = subject
  const { images, pixels, empty, protocol } = evaluation
  const who = model ? model.name : `predictions in ${predictions?.path}`
  const title = `${who} on ${data.name}`
  const seen = data.trainedOn ? `, ${data.trainedOn} of them seen in training` : ''
  const split = (data.split === null ? '' : `, ${data.split}`) + seen
  const hash = model ? `<br>Model: ${escapeHtml(model.name)}, sha256 ${model.sha256}` : ''
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${images} images${escapeHtml(split)}, ${pixels.toLocaleString('en')} pixels with ground truth${empty.length > 0 ? `; ${empty.length} images without a valid pixel left out` : ''}.${hash}</p>`,
    `<p class="protocol">Protocol: ${escapeHtml(protocolText(protocol, subject))}</p>`,
    badText(evaluation),
    figureTable(evaluation),
    `<div class="charts">${charts(evaluation).join('')}</div>`,
    ...(cases ? await caseSections(cases, evaluation) : []),
  ]
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>\n${body.join('\n')}\n</body></html>\n`
}

function badText({ bad }: Evaluation): string {
  const { nan, infinite, negative, images } = bad
  if (images === 0) return ''
  return `<p class="warn">Predictions that are no depth, in ${images} images: ${nan} NaN, ${infinite} infinite, ${negative} zero or negative pixels. They count, clamped to the protocol's range.</p>`
}

function figureTable({ metrics, steps, medianScale }: Evaluation): string {
  const names = FIGURES
  const head = names.map((name) => `<th>${name}</th>`).join('')
  const cells = (values: Partial<Record<(typeof FIGURES)[number], number>>) =>
    names.map((name) => `<td>${values[name]?.toFixed(name === 'silog' ? 2 : 4) ?? ''}</td>`).join('')
  const rows = [
    `<tr><td><b>output</b></td>${cells(metrics)}</tr>`,
    ...steps.map((step, k) => `<tr><td>D${k + 1}</td>${cells(step)}</tr>`),
  ]
  return `<table><tr><th></th>${head}</tr>${rows.join('')}</table><p>Mean of median(truth) / median(prediction): ${medianScale.toFixed(3)}. rmse in metres. boundary_f1: whether depth edges are where the truth has them, from 0 to 1, at any scale; boundary_f1_holes also asks for those beside holes of up to 8 pixels.</p>`
}

function charts({ distance, steps, metrics, calibration, curves }: Evaluation): string[] {
  const figures: string[] = []
  const add = (title: string, chart: string, caption: string) =>
    figures.push(`<figure><h2>${title}</h2>${chart}<figcaption>${caption}</figcaption></figure>`)
  const filled = distance.filter(({ pixels }) => pixels > 0)
  const most = Math.max(...filled.map(({ pixels }) => pixels))
  add(
    'Error against distance',
    lineChart(
      [
        {
          label: 'abs_rel',
          colour: '#b3402e',
          points: filled.map(({ from, to, abs_rel }) => [Math.sqrt(from * to), abs_rel] as const),
        },
      ],
      {
        x: 'true distance, m',
        y: 'abs_rel',
        scale: 'log',
        dots: true,
        ticks: filled.flatMap(({ from }, i) => (i % 3 === 0 ? [{ at: from, text: from.toPrecision(2) }] : [])),
        bars: filled.map(({ from, to, pixels }) => ({ from, to, share: (0.9 * pixels) / most })),
      },
    ),
    'Over the pixels of all images; bars: how many pixels lie at that distance.',
  )
  if (steps.length > 0)
    add(
      'Steps',
      lineChart(
        [
          {
            label: 'abs_rel',
            colour: '#2b5f9e',
            points: [...steps.map((step, k) => [k + 1, step.abs_rel] as const), [steps.length + 1, metrics.abs_rel]],
          },
        ],
        {
          x: 'step',
          y: 'abs_rel',
          dots: true,
          ticks: [...steps.map((_, k) => ({ at: k + 1, text: `D${k + 1}` })), { at: steps.length + 1, text: 'output' }],
        },
      ),
      'The map after each coarse-to-fine step.',
    )
  if (curves && calibration) {
    const points = (curve: readonly number[]) =>
      curve.map((value, k) => [(100 * k) / SPARSIFICATION_STEPS, value] as const)
    const [start] = curves.sigma
    add(
      'Does sigma know where the errors are?',
      lineChart(
        [
          { label: 'largest sigma removed', colour: '#2b5f9e', points: points(curves.sigma) },
          { label: 'largest error removed (oracle)', colour: '#3d8a4e', points: points(curves.oracle) },
          { label: 'at random', colour: '#999', points: points(curves.sigma.map(() => start)), dashed: true },
        ],
        {
          x: 'pixels removed, %',
          y: 'abs_rel of the rest',
          ticks: [0, 25, 50, 75].map((at) => ({ at, text: `${at}` })),
        },
      ),
      `AUSE ${calibration.ause_abs_rel.toFixed(4)} (0: perfect), AURG ${calibration.aurg_abs_rel.toFixed(4)} (above 0: better than chance). ` +
        `Errors within 1σ: ${(100 * calibration.within_1sigma).toFixed(1)} % (68.3 % if normal), within 2σ: ${(100 * calibration.within_2sigma).toFixed(1)} % (95.4 %).`,
    )
  }
  return figures
}

async function caseSections(cases: Cases, { protocol }: Evaluation): Promise<string[]> {
  const range = depthColours(protocol)
  const [turbo, inferno] = await Promise.all([bar('turbo', 'reversed'), bar('inferno', 'forward')])
  const middle = Math.sqrt(range.near * range.far)
  const scale = (image: string, texts: readonly string[]) =>
    `<div><img src="${image}" alt=""><div class="ends">${texts.map((text) => `<span>${text}</span>`).join('')}</div></div>`
  return [
    '<h2>Scales of the pictures</h2>',
    `<div class="scales">${scale(turbo, [`${range.near} m`, `${middle.toPrecision(2)} m`, `${range.far} m`])}${scale(inferno, ['no error', `${50 * WORST_ERROR} %`, `${100 * WORST_ERROR} % of the distance`])}<div>grey: not measured</div></div>`,
    '<h2>Worst frames</h2>',
    ...(await Promise.all(cases.worst().map(section))),
    '<h2>Best frames</h2>',
    ...(await Promise.all(cases.best().map(section))),
  ]
}

async function section({ figures, photo, truth, prediction, error }: Case): Promise<string> {
  const { metrics, name, medianScale } = figures
  const pictures = await Promise.all([photo, truth, prediction, error].map(dataUri))
  const captions = ['photo', 'ground truth', 'prediction (aligned and clamped as the protocol says)', 'relative error']
  const shown = pictures.map(
    (uri, i) => `<figure><img src="${uri}" alt="${captions[i]}"><figcaption>${captions[i]}</figcaption></figure>`,
  )
  return `<div class="case"><p><b>${escapeHtml(name)}</b>: abs_rel ${metrics.abs_rel.toFixed(3)}, rmse ${metrics.rmse.toFixed(3)} m, d1 ${metrics.d1.toFixed(3)}, median(truth) / median(prediction) ${medianScale.toFixed(2)}</p><div class="pictures">${shown.join('')}</div></div>`
}

async function dataUri(image: RgbImage): Promise<string> {
  return `data:image/png;base64,${Buffer.from(await encodePngRgb(image)).toString('base64')}`
}

/** A colour scale as a picture. Near is the warm end of turbo, so its table runs backwards from near to far. */
function bar(map: 'turbo' | 'inferno', direction: 'forward' | 'reversed'): Promise<string> {
  const table = colorTable(map)
  const data = new Uint8Array(table.length)
  for (let i = 0; i < 256; i++) {
    const from = 3 * (direction === 'forward' ? i : 255 - i)
    data.set(table.subarray(from, from + 3), 3 * i)
  }
  return dataUri({ width: 256, height: 1, data })
}
