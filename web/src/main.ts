/** The page: a worker with the models, one state, and the parts that show it. */
import './polyfill.ts'
import './style.css'
import type { NetworkMaps, NetworkStep } from '../../src/predict/index.ts'
import { DarError, messageOf } from '../../src/support/errors.ts'
import { connectDepth, type EngineWish, type WebImage, type WebModel } from '../../src/web/index.ts'
import { element } from './dom.ts'
import { ENGINE_FILES } from './engine-files.ts'
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

performance.mark('script')
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const wish = (new URLSearchParams(location.search).get('engine') ?? 'auto') as EngineWish
const depth = connectDepth(worker, {
  engine: wish,
  onProgress({ loaded, total }) {
    progress.hidden = total === 0
    if (total > 0) progress.value = loaded / total
  },
})
depth.engine
  .then(({ provider, threads, note }) => {
    performance.mark('engine')
    const badge = element('engine', HTMLOutputElement)
    badge.dataset.provider = provider
    const cpu = `on your CPU (wasm, ${threads} thread${threads === 1 ? '' : 's'})`
    badge.textContent = provider === 'webgpu' ? 'on your GPU (WebGPU)' : cpu
    if (note) badge.title = note
    // Of a GPU that was there and failed the visitor is told at once; the rest stands in the footer.
    const hasFailed = note?.startsWith('WebGPU') ?? false
    if (hasFailed) badge.textContent = `${cpu}: WebGPU failed`
    if (note) element('engine-note', HTMLParagraphElement).textContent = `Engine: ${note}.`
  })
  .catch(fail)

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
  const model = depth.openModel({ name, url: new URL(MODELS.get(name) ?? '', location.href).href })
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
    performance.mark('model')
    if (isCurrent() && !store.state.maps) busy('Looking…')
    const steps: NetworkStep[] = []
    // The picture goes from coarse to fine with the steps, unless another step is being looked at.
    let shown = store.state.maps && store.state.step < store.state.maps.of ? null : store.state.step
    for await (const maps of model.stream(inputOf(photo), focal === null ? {} : { focal })) {
      if (!isCurrent()) return
      steps.push({ depth: maps.depth, sigma: maps.sigma })
      if (steps.length > 1 && store.state.step !== shown) shown = null
      if (shown !== null) shown = steps.length
      busy(null)
      if (shown !== null || maps.final)
        store.set({
          maps: { ...maps, steps: [...steps] },
          step: shown ?? Math.min(store.state.step, maps.of),
          picked: store.state.picked ?? middle(photo),
          tree: null,
        })
      if (steps.length === 1) performance.mark('first-map')
      if (!maps.final) await painted()
      else tell(maps)
    }
    performance.mark('last-map')
    document.documentElement.dataset.shown = `${photo.name} by ${modelName}`
    await other()
  } catch (error) {
    if (isCurrent()) fail(error)
  }
}

/** Lets the browser show a map before the worker takes the processor for the next one. */
const painted = () => new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)))

/** Where the time of the last photo went. */
function tell({ milliseconds, warnings }: NetworkMaps): void {
  const told = Object.entries(milliseconds).map(([part, ms]) => `${part} ${ms.toFixed(0)} ms`)
  const timing = element('timing', HTMLParagraphElement)
  timing.dataset.run = String(milliseconds.run)
  timing.textContent = `Last photo: ${told.join(', ')}. ${warnings.join(' ')}`
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
  if (!picked || !maps || maps.steps.length < maps.of || live) return
  try {
    const tree = await (await open(modelName)).tree(picked.x, picked.y)
    const now = store.state
    if (now.picked === picked && now.maps === maps) store.set({ tree })
  } catch (error) {
    if (store.state.maps === maps) element('tree-text', HTMLParagraphElement).textContent = messageOf(error)
  }
}

async function give(photo: Photo): Promise<void> {
  performance.mark('photo')
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
  store.set({ photo, maps: { ...maps, of: 1 }, otherMaps: null, step: 1, tree: null, picked: null, focal: null })
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
  if (maps && maps.steps.length === maps.of && !isKept) {
    isKept = true
    depth.engine.then(({ provider }) => keepForLater(Object.values(ENGINE_FILES[provider]))).catch(fail)
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
