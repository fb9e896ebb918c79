/** What Skiff uses of WebAssembly's JavaScript interface, which TypeScript declares among a browser's things alone. */
declare namespace WebAssembly {
  class Memory {
    /** Sizes in pages of 64 KiB. @throws RangeError where there is no room. */
    constructor(descriptor: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean });
    readonly buffer: ArrayBufferLike;
  }

  class Table {
    constructor(descriptor: { readonly element: "anyfunc"; readonly initial: number });
    readonly length: number;
    /** @returns the former length. */
    grow(by: number): number;
    set(index: number, value: ExportedFunction | null): void;
    get(index: number): ExportedFunction | null;
  }

  type ExportedFunction = (...args: readonly (number | bigint)[]) => number;

  /** Compiles at once. @throws where the bytes are no valid module. */
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
    static imports(module: Module): readonly { readonly name: string; readonly kind: string }[];
    static exports(module: Module): readonly { readonly name: string; readonly kind: string }[];
  }

  /** Whether they are a valid module of this host. */
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;

  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
    readonly exports: Readonly<Record<string, ExportedFunction>>;
  }
}
