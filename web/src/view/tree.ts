/**
 * How a pixel was decided: a row a step, each bin a bar where it lies in metres, as high as its probability. Soft branches double from
 * row to row and are weighed anew; hard windows narrow. Rows share one logarithmic axis, so that both show. The same numbers are a list
 * for screen readers.
 */
import type { TreeStep } from '../../../src/predict/index.ts'
import { contextOf, element, ink, metresText } from '../dom.ts'
import type { Store } from '../store.ts'

const TOP = 4
const AXIS = 20
const LABEL = 34

export function showTree(store: Store): void {
  const canvas = element('tree', HTMLCanvasElement)
  const text = element('tree-text', HTMLParagraphElement)
  const list = element('tree-steps', HTMLOListElement)
  const draw = () => {
    const { tree } = store.state
    if (tree) drawTree(canvas, tree)
    else contextOf(canvas).clearRect(0, 0, canvas.width, canvas.height)
  }
  new ResizeObserver(draw).observe(canvas)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
  store.watch(({ tree, picked, maps }, changed) => {
    if (!changed('tree') && !changed('picked') && !changed('maps')) return
    list.replaceChildren(...(tree ?? []).map(listed))
    text.textContent = tree && picked ? told(tree) : picked && maps ? 'Looking…' : 'Click the picture.'
    draw()
  })
}

/** The bin with the most weight. */
function likeliest({ edges, probabilities }: TreeStep) {
  const share = Math.max(...probabilities)
  const at = probabilities.indexOf(share)
  return { share, from: edges[at], to: edges[at + 1] }
}

const narrows = (tree: readonly TreeStep[]) => tree[0].probabilities.length === tree[1]?.probabilities.length

function told(tree: readonly TreeStep[]): string {
  const last = tree[tree.length - 1]
  const how = narrows(tree)
    ? `Each step cuts the last one's window into ${last.probabilities.length} bins and weighs them.`
    : `${tree[0].probabilities.length} depths to choose from at first, ${last.probabilities.length} at the end; each step weighs them anew.`
  return `${how} Result: ${metresText(last.depth)} ± ${metresText(last.sigma)}.`
}

function listed(step: TreeStep): HTMLLIElement {
  const { share, from, to } = likeliest(step)
  const item = document.createElement('li')
  item.textContent = `Step ${step.step}: ${step.probabilities.length} bins, ${metresText(from)} to ${metresText(to)} with ${(100 * share).toFixed(0)} %; depth ${metresText(step.depth)}`
  item.dataset.probabilities = step.probabilities.map((p) => p.toFixed(4)).join(' ')
  return item
}

function drawTree(canvas: HTMLCanvasElement, tree: readonly TreeStep[]): void {
  const ratio = devicePixelRatio
  const { clientWidth: width, clientHeight: height } = canvas
  if (width === 0) return
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  const context = contextOf(canvas)
  context.scale(ratio, ratio)
  const [near, far] = [
    Math.min(...tree.map(({ edges }) => edges[0])),
    Math.max(...tree.map(({ edges }) => edges[edges.length - 1])),
  ]
  const across = (metres: number) => LABEL + ((width - LABEL - 8) * Math.log(metres / near)) / Math.log(far / near)
  const row = (height - TOP - AXIS) / tree.length
  const colours = { ink: ink('--ink'), quiet: ink('--quiet'), line: ink('--line'), accent: ink('--accent') }
  context.font = '12px system-ui, sans-serif'
  context.textBaseline = 'middle'

  for (const [i, { step, edges, probabilities, depth }] of tree.entries()) {
    const floor = TOP + (i + 1) * row - 5
    const most = Math.max(...probabilities)
    context.fillStyle = colours.line
    context.fillRect(across(edges[0]), floor, across(edges[edges.length - 1]) - across(edges[0]), 1)
    for (const [bin, share] of probabilities.entries()) {
      const [left, right] = [across(edges[bin]), across(edges[bin + 1])]
      const tall = Math.max(1, (row - 11) * (share / most))
      context.globalAlpha = share === most ? 1 : 0.55
      context.fillStyle = colours.accent
      context.fillRect(left, floor - tall, Math.max(0.75, right - left - (right - left > 3 ? 1 : 0.25)), tall)
    }
    context.globalAlpha = 1
    // Where the step's depth lies, and from there to the next row's.
    context.fillStyle = colours.ink
    context.beginPath()
    context.arc(across(depth), floor, 3, 0, 2 * Math.PI)
    context.fill()
    if (i + 1 < tree.length) {
      context.strokeStyle = colours.quiet
      context.setLineDash([2, 3])
      context.beginPath()
      context.moveTo(across(depth), floor)
      context.lineTo(across(tree[i + 1].depth), floor + row)
      context.stroke()
      context.setLineDash([])
    }
    context.fillStyle = colours.quiet
    context.fillText(step === 'fine' ? 'fine' : step, 2, floor - row / 3)
  }

  context.fillStyle = colours.quiet
  context.textAlign = 'center'
  let last = -Infinity
  for (const metres of [0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50].filter(
    (value) => value >= near * 0.999 && value <= far * 1.001,
  )) {
    const x = Math.min(across(metres), width - 16)
    if (x - last < 34) continue
    context.fillRect(x, height - AXIS, 1, 4)
    context.fillText(`${metres} m`, x, height - AXIS + 12)
    last = x
  }
  context.textAlign = 'start'
}
