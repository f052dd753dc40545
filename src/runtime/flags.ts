/**
 * What an engine's thread and its owner see at once: an Int32Array of flags. The thread raises `busy` before it looks at `closing`, its
 * owner raises `closing` before it looks at `busy`, so that no native call can begin unseen. The owner raises `ready` when the thread
 * may load ONNX Runtime.
 */
export const FLAGS = { closing: 0, busy: 1, ready: 2, count: 3 } as const
