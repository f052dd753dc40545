/** Where photos come from: a file that is chosen, dropped or pasted, the webcam, the example. */
import example from '../../examples/room/rgb/room.jpg?url'
import { DarError, messageOf } from '../../src/support/errors.ts'
import { element } from './dom.ts'
import { photoOfFile, photoOfFrame } from './photo.ts'
import type { Photo, Store } from './store.ts'

/** Longer side of a frame of the webcam. */
const FRAME = 640

export interface Sources {
  /** A photo to predict. */
  give(photo: Photo): Promise<void>
  /** A frame of the webcam: resolves when its map is shown. */
  frame(photo: Photo): Promise<void>
  fail(error: unknown): void
}

export async function exampleFile(): Promise<File> {
  const response = await fetch(example)
  if (!response.ok)
    throw new DarError(`cannot load the example (${response.status}); reload the page`, { kind: 'network' })
  return new File([await response.blob()], 'room.jpg')
}

export function listenForPhotos(store: Store, { give, frame, fail }: Sources): void {
  const open = async (file: File | null | undefined) => {
    if (!file) return
    stopWebcam()
    try {
      await give(await photoOfFile(file, file.name || 'the pasted picture'))
    } catch (error) {
      fail(error)
    }
  }
  const file = element('file', HTMLInputElement)
  element('pick', HTMLButtonElement).addEventListener('click', () => file.click())
  file.addEventListener('change', () => {
    void open(file.files?.[0])
    file.value = ''
  })
  element('example', HTMLButtonElement).addEventListener('click', () => exampleFile().then(open).catch(fail))

  const drop = element('drop', HTMLDivElement)
  let depth = 0 // of elements that the pointer has entered
  addEventListener('dragenter', (event) => {
    event.preventDefault()
    depth++
    drop.hidden = false
  })
  addEventListener('dragleave', () => {
    depth = Math.max(0, depth - 1)
    drop.hidden = depth === 0
  })
  addEventListener('dragover', (event) => event.preventDefault())
  addEventListener('drop', (event) => {
    event.preventDefault()
    depth = 0
    drop.hidden = true
    void open(event.dataTransfer?.files[0])
  })
  addEventListener('paste', (event) => void open(event.clipboardData?.files[0]))

  const webcam = element('webcam', HTMLButtonElement)
  const shutter = element('shutter', HTMLButtonElement)
  const video = element('video', HTMLVideoElement)
  let stream: MediaStream | null = null

  function stopWebcam(): void {
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = null
    video.srcObject = null
    webcam.setAttribute('aria-pressed', 'false')
    webcam.textContent = 'Webcam'
    shutter.hidden = true
    if (store.state.live) store.set({ live: false })
  }
  const keepFrame = async () => {
    if (video.videoWidth === 0) return
    const kept = photoOfFrame(video, FRAME)
    stopWebcam()
    await give(kept)
  }
  const start = async () => {
    const media: MediaDevices | undefined = navigator.mediaDevices
    if (!media) throw new DarError('this page may not use a webcam; open it over https or from this machine')
    try {
      stream = await media.getUserMedia({ video: { facingMode: 'environment', width: { ideal: FRAME } }, audio: false })
    } catch (error) {
      throw new DarError(`no webcam (${messageOf(error)}); allow it, or choose a photo`)
    }
    const mine = stream
    video.srcObject = mine
    await video.play()
    webcam.setAttribute('aria-pressed', 'true')
    webcam.textContent = 'Stop'
    shutter.hidden = false
    store.set({ live: true, view: store.state.view === 'sigma' ? 'sigma' : 'depth' })
    while (stream === mine) {
      await frame(photoOfFrame(video, FRAME))
      await new Promise(requestAnimationFrame)
    }
  }
  webcam.addEventListener('click', () => {
    if (stream) void keepFrame().catch(fail)
    else
      start().catch((error) => {
        stopWebcam()
        fail(error)
      })
  })
  shutter.addEventListener('click', () => void keepFrame().catch(fail))
}
