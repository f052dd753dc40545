/** What the tests use of Khronos' validator, which comes without types. */
declare module 'gltf-validator' {
  export function validateBytes(bytes: Uint8Array): Promise<{
    readonly issues: { readonly messages: readonly { readonly code: string; readonly message: string }[] }
    readonly info: {
      readonly resources: readonly { readonly mimeType: string; readonly image?: { readonly width: number } }[]
    }
  }>
}
