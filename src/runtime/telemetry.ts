/**
 * ONNX Runtime's telemetry, off. Where it is on, every session writes below `~/.cache/Microsoft`, leaves a `mat-debug` file in the
 * temporary folder and looks up an upload host; and it reads the command line into a buffer of its own, so that a process with more than
 * some 16 KB of arguments dies with a segmentation fault.
 *
 * The library reads the environment of the process when it is loaded. Workers have a copy of it, so only the main
 * thread can change it. The thread that starts an engine therefore sets the variable first, unless the user has set it.
 */
const SWITCH = 'ORT_DISABLE_TELEMETRY'

/**
 * Call it before a thread loads ONNX Runtime. When a worker calls it, only that worker's own workers see the change.
 */
export function disableTelemetry(): void {
  process.env[SWITCH] ??= '1'
}
