// Reads executables by the System V gABI, chapters 4 and 5, and not by src/.

export interface LoadedPart {
  readonly type: number;
  /** 4 read, 2 write, 1 execute. */
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly alignBytes: number;
}

export interface Executable {
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly headersEnd: number;
  readonly parts: readonly LoadedPart[];
}

export const PT_LOAD = 1;
export const PT_GNU_STACK = 0x6474e551;

export function readExecutable(file: Uint8Array): Executable {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u64 = (at: number) => Number(view.getBigUint64(at, true));
  const identification = [...file.subarray(0, 7)];
  if (identification.join() !== [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1].join())
    throw new Error(`no ELF64: ${identification}`);
  if (view.getUint16(52, true) !== 64 || view.getUint16(54, true) !== 56) throw new Error("sizes of headers");
  const table = u64(32);
  const count = view.getUint16(56, true);
  const parts = Array.from({ length: count }, (_, index): LoadedPart => {
    const at = table + 56 * index;
    if (u64(at + 24) !== u64(at + 16)) throw new Error(`p_paddr of ${index}`);
    return {
      ...{ type: view.getUint32(at, true), flags: view.getUint32(at + 4, true), offset: u64(at + 8) },
      ...{ address: u64(at + 16), fileBytes: u64(at + 32), memoryBytes: u64(at + 40), alignBytes: u64(at + 48) },
    };
  });
  return {
    ...{ type: view.getUint16(16, true), machine: view.getUint16(18, true), entry: u64(24) },
    headersEnd: table + 56 * count,
    parts,
  };
}
