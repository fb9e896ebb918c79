/** Instruction set of an image (ELF `e_machine` 62 and 183). */
export type Architecture = "x86-64" | "aarch64";

/** Which host interface an image was linked for (Solo5 `include/elf_abi.h`, `enum abi_target`). */
export type Abi = "hvt" | "spt" | "virtio" | "muen" | "genode" | "xen";

export interface Rights {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

/** One loadable part of an image (a non-empty `PT_LOAD`); addresses are guest addresses in bytes, below 2^53. */
export interface Segment {
  /** Position in the program header table, for messages. */
  readonly index: number;
  /** First byte; a multiple of 4096. */
  readonly address: number;
  /** Bytes occupied in memory; what `content` does not cover is zero. */
  readonly memoryBytes: number;
  readonly content: Uint8Array;
  readonly rights: Rights;
  /** `p_align`: a power of two, at least 4096. */
  readonly alignBytes: number;
}

/** A device that the manifest declares; its handle is its index in the manifest. */
export interface ManifestDevice {
  readonly index: number;
  readonly name: string;
  readonly type: "block" | "net";
}

export interface Manifest {
  readonly version: number;
  readonly devices: readonly ManifestDevice[];
  /** The note's `struct mft` as it stands in the file: what the guest is given, with the devices filled in. */
  readonly bytes: Uint8Array;
}

/** A checked image: every value in it has been verified against its neighbours. */
export interface Image {
  readonly architecture: Architecture;
  readonly abi: Abi;
  readonly abiVersion: number;
  /** Address of the first instruction; inside an executable segment. */
  readonly entry: number;
  /** In ascending order of address; none overlaps another. */
  readonly segments: readonly Segment[];
  /** First address above all segments, rounded up to the last segment's alignment. */
  readonly endAddress: number;
  readonly manifest: Manifest;
}
