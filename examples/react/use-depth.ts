/** Depth as a hook: one worker and one model for the whole page, and the maps of a photo from coarse to fine. */
import url from 'dar-depth/models/dar-nano/model.safetensors?url'
import { connectDepth, type EngineReport } from 'dar-depth/web'
import { useEffect, useState } from 'react'

const worker = connectDepth(new Worker(new URL('./depth-worker.ts', import.meta.url), { type: 'module' }))
const model = worker.openModel({ name: 'dar-nano', url: new URL(url, location.href).href })
model.catch(() => {}) // whoever asks for a photo is told

/** A map in metres, as the network gives it. */
export interface Depth {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
  /** Which step it is from, and of how many. */
  readonly step: number
  readonly of: number
}

export interface DepthState {
  readonly depth: Depth | null
  readonly error: string | null
}

/** The newest map of a photo. Another photo ends the work on the last one. */
export function useDepth(photo: Blob | null): DepthState {
  const [state, setState] = useState<DepthState>({ depth: null, error: null })
  useEffect(() => {
    let isWanted = true
    const look = async (of: Blob) => {
      for await (const maps of (await model).stream(of)) {
        if (!isWanted) return
        setState({ depth: { ...maps.depth, step: maps.step, of: maps.of }, error: null })
      }
    }
    setState({ depth: null, error: null })
    if (photo)
      look(photo).catch((error: Error) => {
        if (isWanted) setState({ depth: null, error: error.message })
      })
    return () => {
      isWanted = false
    }
  }, [photo])
  return state
}

/** What computes: null until it is known. */
export function useEngine(): EngineReport | null {
  const [engine, setEngine] = useState<EngineReport | null>(null)
  useEffect(() => {
    worker.engine.then(setEngine, () => {})
  }, [])
  return engine
}
