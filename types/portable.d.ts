/**
 * The globals that Node, browsers and worker threads all have and portable code may use. tsconfig.portable.json knows these and
 * the language itself, neither Node's types nor the DOM's. Take a declaration out, and the code that uses it no longer compiles.
 */
declare const performance: { now(): number }

declare function setTimeout(callback: () => void, milliseconds?: number): unknown

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(bytes?: ArrayBufferView): string
}
