/**
 * ONNX Runtime's telemetry, off. Where it is on, every session writes below `~/.cache/Microsoft`, leaves a `mat-debug` file in the
 * temporary folder and looks up an upload host; and it reads the command line into a buffer of its own, so that a process with more than
 * some 16 KB of arguments dies with a segmentation fault.
 *
 * The library asks the environment of the process when it is loaded. Only the main thread can change that: a worker has a copy. So the
 * thread that starts an engine sets it first, unless the user has said otherwise.
 */
const SWITCH = 'ORT_DISABLE_TELEMETRY'

/** Call before a thread loads ONNX Runtime. From another thread than the main one it reaches only that thread's own workers. */
export function disableTelemetry(): void {
  process.env[SWITCH] ??= '1'
}
