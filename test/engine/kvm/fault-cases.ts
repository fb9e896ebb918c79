/** Guests of a few instructions that end in a fault which they do not handle, and what Skiff says of it. */
import { DOORBELL_ADDRESS, DOORBELL_PORT, NET_RING_ADDRESS } from "../../../src/abi/hvt-ring.ts";
import { AARCH64, buildImage, HVT, RW, RX, X86_64 } from "../../format/build-image.ts";

export interface FaultCase {
  readonly name: string;
  readonly image: Uint8Array;
  /** What stands behind `skiff: the guest `. */
  readonly says: string;
}

const TEXT = 0x100000;
const DATA = 0x110000;
const HEAP = 0x120000;

function image(machine: number, code: Uint8Array, data = new Uint8Array(8), devices: ImageDevices = []): Uint8Array {
  const text = { address: TEXT, content: code, flags: RX };
  const segments = [text, { address: DATA, content: data, flags: RW }];
  return buildImage({ machine, entry: TEXT, abiTarget: HVT, segments, devices }).file;
}
type ImageDevices = NonNullable<NonNullable<Parameters<typeof buildImage>[0]>["devices"]>;

const le32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** mov %eax, ADDRESS (Intel SDM volume 2, MOV: 89 /r with a SIB byte that names no register). */
const store = (address: number) => [0x89, 0x04, 0x25, ...le32(address)];
/** mov ADDRESS, %eax */
const load = (address: number) => [0x8b, 0x04, 0x25, ...le32(address)];
/** mov $VALUE, %eax */
const set = (value: number) => [0xb8, ...le32(value)];
const JUMP_TO_RAX = [0xff, 0xe0];
const UD2 = [0x0f, 0x0b];

/** Tables of the guest's own: what lies at 2 MiB leads to 4 GiB, where there is no memory. */
function ownPageTables() {
  const tables = new BigUint64Array(3 * 512);
  tables[0] = BigInt(DATA + 0x1000 + 3);
  tables[512] = BigInt(DATA + 0x2000 + 3);
  tables[1024] = 0x83n;
  tables[1025] = 0x1_0000_0083n;
  return new Uint8Array(tables.buffer);
}

function x86(name: string, code: readonly number[], says: string, data?: Uint8Array<ArrayBuffer>): FaultCase {
  return { name, image: image(X86_64, Uint8Array.from(code), data), says };
}

export const X86_64_FAULTS: readonly [FaultCase, ...FaultCase[]] = [
  x86("write to a null pointer", store(0), "was ended by a page fault, a write at 0x0, at pc 0x100000"),
  x86("read near a null pointer", load(0xfff8), "was ended by a page fault, a read at 0xfff8, at pc 0x100000"),
  x86("write to text", store(TEXT), "was ended by a page fault, a write at 0x100000, at pc 0x100000"),
  x86("write to page tables", store(0x20000), "was ended by a page fault, a write at 0x20000, at pc 0x100000"),
  x86("write to handlers", store(0x18000), "was ended by a page fault, a write at 0x18000, at pc 0x100000"),
  x86(
    "jump to data",
    [...set(DATA), ...JUMP_TO_RAX],
    "was ended by a page fault, executing at 0x110000, at pc 0x110000",
  ),
  x86(
    "jump to the heap",
    [...set(HEAP), ...JUMP_TO_RAX],
    "was ended by a page fault, executing at 0x120000, at pc 0x120000",
  ),
  x86("invalid opcode", UD2, "was ended by an invalid opcode, at pc 0x100000"),
  x86("division by zero", [0x31, 0xc9, 0xf7, 0xf1], "was ended by a divide error, at pc 0x100002"),
  x86(
    "load of a selector that is not there",
    [...set(0x40), 0x8e, 0xd8], // mov %eax, %ds
    "was ended by a general protection fault (code 0x40), at pc 0x100005",
  ),
  x86("write to another port", [0xe7, 0x80], "was ended by a write to port 0x80, which the ABI has not"),
  x86("read of a port", [0xe5, 0x80], "was ended by a read of port 0x80, which the ABI has not"),
  x86("unknown hypercall", [0x66, 0xba, 0x09, 0x05, 0xef], "made hypercall 9, which the ABI has not"),
  x86(
    "write to a hypercall's port of 16 bits",
    [0x66, 0xba, 0x01, 0x05, 0x66, 0xef],
    "was ended by a write to port 0x501, which the ABI has not",
  ),
  x86("halt", [0xf4], "was ended by a halt of its processor, which nothing wakes"),
  x86(
    "handlers of its own that are not there",
    [0x0f, 0x01, 0x1c, 0x25, ...le32(DATA), ...UD2], // lidt DATA, of limit 0
    "was ended by an exception that its own handlers could not take",
  ),
  x86(
    "access outside memory",
    [...set(DATA), 0x0f, 0x22, 0xd8, ...store(0x200010)], // mov %rax, %cr3
    "was ended by an access of 4 bytes outside its memory, a write at 0x100000010",
    ownPageTables(),
  ),
];

const WINDOW = 0x1_0000_0000;

/** Instructions of AArch64 (Arm ARM, DDI 0487, section C6.2), little-endian. */
function words(...instructions: readonly number[]): Uint8Array {
  return Uint8Array.from(instructions.flatMap(le32));
}

/** movz x1, #(VALUE >> 32), lsl #32; movk x1, #(VALUE >> 16), lsl #16; movk x1, #VALUE */
function address(value: number): number[] {
  const half = (shift: number) => Math.floor(value / 2 ** shift) & 0xffff;
  return [0xd2c0_0001 | (half(32) << 5), 0xf2a0_0001 | (half(16) << 5), 0xf280_0001 | (half(0) << 5)];
}
const STORE = 0xb900_0020; // str w0, [x1]
const LOAD = 0xb940_0020; // ldr w0, [x1]
const JUMP = 0xd61f_0020; // br x1

function arm(name: string, code: readonly number[], says: string): FaultCase {
  return { name, image: image(AARCH64, words(...code)), says };
}

export const AARCH64_FAULTS: readonly [FaultCase, ...FaultCase[]] = [
  arm("write to a null pointer", [...address(0), STORE], "was ended by a data abort, a write at 0x0, at pc 0x10000c"),
  arm(
    "read near a null pointer",
    [...address(0xfff8), LOAD],
    "was ended by a data abort, a read at 0xfff8, at pc 0x10000c",
  ),
  arm("write to text", [...address(TEXT), STORE], "was ended by a data abort, a write at 0x100000, at pc 0x10000c"),
  arm(
    "write to page tables",
    [...address(0x20000), STORE],
    "was ended by a data abort, a write at 0x20000, at pc 0x10000c",
  ),
  arm(
    "jump to data",
    [...address(DATA), JUMP],
    "was ended by an instruction abort, executing at 0x110000, at pc 0x110000",
  ),
  arm(
    "jump to the heap",
    [...address(HEAP), JUMP],
    "was ended by an instruction abort, executing at 0x120000, at pc 0x120000",
  ),
  arm(
    "jump to where nothing is",
    [...address(0x40_0000_0000), JUMP],
    "was ended by an instruction abort, executing at 0x4000000000, at pc 0x4000000000",
  ),
  arm("undefined instruction", [0], "was ended by an undefined instruction, at pc 0x100000"),
  arm("breakpoint", [0xd420_0000], "was ended by a breakpoint, at pc 0x100000"),
  arm(
    "write beyond the hypercalls' window",
    [...address(WINDOW + 0x10000), STORE],
    "was ended by an access of 4 bytes outside its memory, a write at 0x100010000",
  ),
  arm(
    "store of 8 bytes to a hypercall's address",
    [...address(WINDOW + 8), 0xf900_0020], // str x0, [x1]
    "was ended by an access of 8 bytes outside its memory, a write at 0x100000008",
  ),
  arm("unknown hypercall", [...address(WINDOW + 9 * 8), STORE], "made hypercall 9, which the ABI has not"),
  // The last one: QEMU 7.2's -cpu max would run its instruction again in place of the next guest's at the same address.
  arm(
    "read of the hypercalls' window",
    [...address(WINDOW + 8), LOAD],
    "was ended by an access of 4 bytes outside its memory, a read at 0x100000008, at pc 0x10000c",
  ),
];

/** `service`, as the manifest has it. */
const NET: ImageDevices = [{ name: "service", type: 2 }];
const REQUESTS = 2000;

/** A guest that counts too many requests in its network ring, rings, and computes for ever. */
export function ringBreaker(isArm: boolean): FaultCase {
  const x86Code = [
    ...[0xc7, 0x04, 0x25, ...le32(NET_RING_ADDRESS), ...le32(REQUESTS)], // mov $REQUESTS, NET_RING_ADDRESS
    ...[0xba, ...le32(DOORBELL_PORT), 0xef], // mov $DOORBELL_PORT, %edx; out %eax, %dx
    ...[0xeb, 0xfe], // jmp to itself
  ];
  const armCode = words(
    ...address(NET_RING_ADDRESS),
    0x5280_0000 | (REQUESTS << 5), // movz w0, #REQUESTS
    STORE,
    ...address(DOORBELL_ADDRESS),
    STORE,
    0x1400_0000, // b to itself
  );
  return {
    name: "too many requests",
    image: isArm ? image(AARCH64, armCode, undefined, NET) : image(X86_64, Uint8Array.from(x86Code), undefined, NET),
    says: `made ${REQUESTS} requests in a ring of 1024`,
  };
}
