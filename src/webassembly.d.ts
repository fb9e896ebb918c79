/** What Skiff uses of WebAssembly's JavaScript interface, which TypeScript declares among a browser's things alone. */
declare namespace WebAssembly {
  class Memory {
    /** Sizes in pages of 64 KiB. @throws RangeError where there is no room. */
    constructor(descriptor: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean });
    readonly buffer: ArrayBufferLike;
  }
}
