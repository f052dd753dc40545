/** What ONNX Runtime says when it fails, as an error that names the graph and tells what to do. */

import { DarError, type ErrorKind } from '../support/errors.ts'

/**
 * A failure inside ONNX Runtime, with the graph and, where the engine tells, the node. Its kind is `gone` when the engine's thread
 * has ended, `memory` when there was too little of it, and `engine` for everything else.
 */
export class EngineError extends DarError {
  override name = 'EngineError'

  constructor(
    readonly graph: string,
    readonly engineNode: string | null,
    readonly reason: string,
  ) {
    const where = engineNode ? `node ${engineNode} of graph "${graph}"` : `graph "${graph}"`
    const { kind, advice } = remedyOf(reason)
    super(`the engine failed at ${where}: ${reason}\n${advice}`, { kind })
  }
}

/** At the end of a reason: the thread is gone, and the model goes on in another. */
export const REPLACED = '; another takes its place'

/** ONNX Runtime names the node in its messages: «… while running MatMul node. Name:'…' Status Message: …». */
export function engineErrorOf(graph: string, message: string): EngineError {
  const node = /Name:\s*'([^']+)'/.exec(message)?.[1] ?? /node[:\s]+\(?([\w./-]+_\d+)/i.exec(message)?.[1] ?? null
  const reason = /Status Message:\s*([\s\S]*)$/.exec(message)?.[1] ?? message
  return new EngineError(graph, node, reason.trim())
}

/** What a failure is a case of, and what to do. */
function remedyOf(reason: string): { readonly kind: ErrorKind; readonly advice: string } {
  if (reason.endsWith(REPLACED))
    return { kind: 'gone', advice: 'Only this call is lost: the next one goes to the new thread.' }
  if (/thread of the engine ended|engine was disposed/.test(reason))
    return { kind: 'gone', advice: 'Nothing more can run on this engine: dispose it and make another.' }
  if (/alloc|memory/i.test(reason))
    return { kind: 'memory', advice: 'Use a smaller batch or image size, or free memory on this machine.' }
  return { kind: 'engine', advice: adviceOn(reason) }
}

function adviceOn(reason: string): string {
  if (/got \d+ values|Got invalid dimensions|no input|is missing in 'feeds'|data must be type of/i.test(reason))
    return 'Feed an array of the right type and length for every input that the graph was compiled with.'
  if (/out of (data )?bounds/i.test(reason)) return 'An index that was fed lies outside the axis that it indexes.'
  if (/NOT_IMPLEMENTED|Could not find an implementation/i.test(reason))
    return 'The provider has no kernel for this op and type; try the cpu provider, or float32.'
  return 'This is likely a bug in the graph: please report it with the config of the model.'
}
