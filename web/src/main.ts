/** The page: a worker with the models, one state, and the parts that show it. */
import './polyfill.ts'
import './style.css'
import { DarError, messageOf } from '../../src/support/errors.ts'
import { Connection } from '../../src/web/connection.ts'
import type { Numbered, Port, Reply, WebImage } from '../../src/web/protocol.ts'
import { openWebModel, type WebModel } from '../../src/web/web-model.ts'
import { element } from './dom.ts'
import type { EngineReport, EngineWish } from './engine.ts'
import { keepForLater } from './offline.ts'
import { photoOfFile } from './photo.ts'
import { listenForSaves } from './save.ts'
import { exampleFile, listenForPhotos } from './sources.ts'
import { type Photo, Store, type View } from './store.ts'
import { showFilm } from './view/film.ts'
import { firstColours, showLegend } from './view/legend.ts'
import { showLens } from './view/lens.ts'
import { showProfile } from './view/profile.ts'
import { showStage } from './view/stage.ts'
import { showTree } from './view/tree.ts'
import type { Notice } from './worker.ts'

const files = import.meta.glob<string>('../../models/*/model.safetensors', {
  query: '?url',
  import: 'default',
  eager: true,
})
/** Name → address. */
const MODELS = new Map(Object.entries(files).map(([path, url]) => [path.split('/').at(-2) ?? path, url]))
const DEFAULT_MODEL = MODELS.has('dar-nano') ? 'dar-nano' : [...MODELS.keys()][0]

const problem = element('problem', HTMLParagraphElement)
const fail = (error: unknown) => {
  problem.textContent = messageOf(error)
  problem.hidden = false
  busy(null)
  if (!(error instanceof DarError)) console.error(error)
}
const busyBox = element('busy', HTMLDivElement)
const progress = element('progress', HTMLProgressElement)
function busy(text: string | null): void {
  busyBox.hidden = text === null
  if (text !== null) element('busy-text', HTMLSpanElement).textContent = text
  progress.hidden = true
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const connection = new Connection(worker as unknown as Port<Reply, Numbered>)
const wish = (new URLSearchParams(location.search).get('engine') ?? 'auto') as EngineWish
worker.postMessage({ engine: wish })
worker.addEventListener('error', (event) => {
  connection.fail(`the worker stopped (${event.message || 'its script did not load'}); reload the page`)
})
const engine = new Promise<EngineReport>((resolve) => {
  worker.addEventListener('message', ({ data }: MessageEvent<Notice>) => {
    if (data.notice === 'engine') resolve(data.report)
    else if (data.notice === 'progress' && data.total > 0) {
      progress.hidden = false
      progress.value = data.loaded / data.total
    }
  })
})
void engine.then(({ provider, threads, note }) => {
  const badge = element('engine', HTMLOutputElement)
  badge.dataset.provider = provider
  badge.textContent =
    provider === 'webgpu' ? 'on your GPU (WebGPU)' : `on your CPU (wasm, ${threads} thread${threads === 1 ? '' : 's'})`
  if (note) badge.title = note
  if (note) element('timing', HTMLParagraphElement).textContent = `Engine: ${note}.`
})

const store = new Store({
  photo: null,
  modelName: DEFAULT_MODEL,
  otherName: [...MODELS.keys()].find((name) => name !== DEFAULT_MODEL) ?? DEFAULT_MODEL,
  maps: null,
  otherMaps: null,
  step: 1,
  view: 'depth',
  colours: firstColours(),
  picked: null,
  tree: null,
  focal: null,
  live: false,
})

const opened = new Map<string, Promise<WebModel>>()
function open(name: string): Promise<WebModel> {
  const known = opened.get(name)
  if (known) return known
  const model = openWebModel(connection, { name, url: new URL(MODELS.get(name) ?? '', location.href).href })
  opened.set(name, model)
  model.catch(() => opened.delete(name)) // another try may work
  return model
}

/** What `predict` takes: of a file its bytes, so that EXIF is read. */
function inputOf({ bytes, pixels }: Photo): WebImage {
  if (bytes) return bytes
  if (pixels) return pixels
  throw new Error('internal error: a photo without pixels')
}

/** The maps of the photo by the chosen model. What is newer when they are ready wins. */
async function predict(): Promise<void> {
  const { photo, modelName, focal } = store.state
  if (!photo) return
  problem.hidden = true
  delete document.documentElement.dataset.shown
  const isCurrent = () => {
    const now = store.state
    return now.photo === photo && now.modelName === modelName && now.focal === focal
  }
  try {
    if (!store.state.maps) busy(opened.has(modelName) ? 'Looking…' : 'Loading the model…')
    const model = await open(modelName)
    if (isCurrent() && !store.state.maps) busy('Looking…')
    const maps = await model.predict(inputOf(photo), { steps: true, ...(focal !== null && { focal }) })
    if (!isCurrent()) return
    busy(null)
    const { decode, compile, prepare, run, finish } = maps.milliseconds
    const parts = { decode, compile, prepare, run, finish }
    const told = Object.entries(parts).map(([part, ms]) => `${part} ${ms.toFixed(0)} ms`)
    element('timing', HTMLParagraphElement).dataset.run = String(run)
    element('timing', HTMLParagraphElement).textContent = `Last photo: ${told.join(', ')}. ${maps.warnings.join(' ')}`
    const steps = Math.max(1, maps.steps.length)
    const kept = store.state.maps && store.state.step <= steps ? store.state.step : steps
    store.set({ maps, step: kept, tree: null, picked: store.state.picked ?? middle(photo) })
    document.documentElement.dataset.shown = `${photo.name} by ${modelName}`
    performance.mark('first-map')
    await other()
  } catch (error) {
    if (isCurrent()) fail(error)
  }
}

/** A little below the middle, where things stand. */
const middle = ({ width, height }: Photo) => ({ x: width >> 1, y: Math.floor(0.6 * height) })

/** The other model's maps, when both are shown. */
async function other(): Promise<void> {
  const { photo, otherName, view, focal, otherMaps } = store.state
  if (!photo || view !== 'models' || otherMaps) return
  try {
    busy(`Asking ${otherName}…`)
    const model = await open(otherName)
    const maps = await model.predict(inputOf(photo), { steps: true, ...(focal !== null && { focal }) })
    const now = store.state
    if (now.photo === photo && now.otherName === otherName && now.focal === focal) {
      store.set({ otherMaps: maps })
      document.documentElement.dataset.other = `${photo.name} by ${otherName}`
    }
    busy(null)
  } catch (error) {
    fail(error)
  }
}

/** The tree of the picked pixel. Each model's worker side remembers the photo that it saw last, which is this one. */
async function inspect(): Promise<void> {
  const { picked, maps, modelName, live } = store.state
  if (!picked || !maps || live) return
  try {
    const tree = await (await open(modelName)).tree(picked.x, picked.y)
    const now = store.state
    if (now.picked === picked && now.maps === maps) store.set({ tree })
  } catch (error) {
    if (store.state.maps === maps) element('tree-text', HTMLParagraphElement).textContent = messageOf(error)
  }
}

async function give(photo: Photo): Promise<void> {
  store.set({ photo, maps: null, otherMaps: null, tree: null, picked: null, focal: null })
  await predict()
}

/** Of the webcam, shown so far. */
let frames = 0

async function frame(photo: Photo): Promise<void> {
  problem.hidden = true
  const model = await open(store.state.modelName)
  const maps = await model.predict(inputOf(photo))
  if (!store.state.live) return
  busy(null)
  store.set({ photo, maps, otherMaps: null, step: 1, tree: null, picked: null, focal: null })
  document.documentElement.dataset.frames = String(++frames)
  const { run } = maps.milliseconds
  element('readout', HTMLParagraphElement).textContent = `Live: ${run.toFixed(0)} ms a frame`
}

function choices(): void {
  const options = () => [...MODELS.keys()].map((name) => new Option(name, name))
  const model = element('model', HTMLSelectElement)
  const second = element('other', HTMLSelectElement)
  model.replaceChildren(...options())
  second.replaceChildren(...options())
  model.addEventListener('change', () => {
    store.set({ modelName: model.value, maps: null, tree: null })
    void predict()
  })
  second.addEventListener('change', () => {
    store.set({ otherName: second.value, otherMaps: null })
    void other()
  })
  const views = [...document.querySelectorAll<HTMLInputElement>('input[name="view"]')]
  for (const view of views) view.addEventListener('change', () => store.set({ view: view.value as View }))
  store.watch(({ view, modelName, otherName }) => {
    model.value = modelName
    second.value = otherName
    element('other-label', HTMLLabelElement).hidden = view !== 'models'
    for (const input of views) input.checked = input.value === view
  })
}

let cloudAsked = false
let isKept = false
let refocus: number | undefined
store.watch(({ view, picked, maps, tree, live }, changed) => {
  element('cloud', HTMLDivElement).hidden = view !== 'cloud'
  if (changed('view') && view === 'models') void other()
  if (view === 'cloud' && !cloudAsked) {
    cloudAsked = true
    import('./view/cloud.ts').then(({ showCloud }) => showCloud(store)).catch(fail)
  }
  if (maps && !isKept) {
    isKept = true
    engine.then(({ files }) => keepForLater(files)).catch(fail)
  }
  if (picked && maps && !tree && !live && (changed('picked') || changed('maps'))) void inspect()
  if (changed('focal') && maps && !live) {
    clearTimeout(refocus)
    refocus = window.setTimeout(() => {
      store.set({ otherMaps: null })
      void predict()
    }, 250)
  }
})

choices()
showStage(store)
showLegend(store)
showFilm(store)
showTree(store)
showProfile(store)
showLens(store)
listenForSaves(store, fail)
listenForPhotos(store, { give, frame, fail })
void open(DEFAULT_MODEL).catch(() => {}) // at once, while the example is on its way; `predict` says what went wrong
exampleFile()
  .then((file) => photoOfFile(file, file.name))
  .then(give)
  .catch(fail)
