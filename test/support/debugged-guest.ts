/** Guests of a few instructions for debuggers. */
import { AARCH64, buildImage, HVT, RW, RX, X86_64 } from "../format/build-image.ts";

const TEXT = 0x100000;
const DATA = 0x110000;
const HALT_REQUEST_OFFSET = 0x10;
const STATUS_OFFSET = 8;

/** One that stores 5, adds 1 in a register and halts with status 7; and what a test needs to know of it on one architecture. */
export interface DebuggedGuestFacts {
  readonly image: Uint8Array;
  readonly entry: number;
  /** Address of the store of 4 bytes, of the instruction behind it, and of the one behind that. */
  readonly store: number;
  readonly add: number;
  readonly afterAdd: number;
  /** What the store writes to. */
  readonly data: number;
  /** Places in a `g` packet: of the register that is stored and added to, and of the program counter. */
  readonly value: number;
  readonly pc: number;
  readonly breakpointBytes: number;
}

export const STORED = 5;
export const STATUS = 7;

function image(machine: number, code: Uint8Array): Uint8Array {
  const data = new Uint8Array(64);
  data[HALT_REQUEST_OFFSET + STATUS_OFFSET] = STATUS;
  const segments = [
    { address: TEXT, content: code, flags: RX },
    { address: DATA, content: data, flags: RW },
  ];
  return buildImage({ machine, entry: TEXT, abiTarget: HVT, segments }).file;
}

const le32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** Intel SDM volume 2. */
export const X86_64_GUEST: DebuggedGuestFacts = {
  image: image(
    X86_64,
    Uint8Array.of(
      ...[0xb8, ...le32(STORED)], // mov $STORED, %eax
      ...[0x89, 0x04, 0x25, ...le32(DATA)], // mov %eax, DATA
      ...[0xff, 0xc0], // inc %eax
      ...[0xb8, ...le32(DATA + HALT_REQUEST_OFFSET)], // mov $REQUEST, %eax
      ...[0x66, 0xba, 0x08, 0x05], // mov $0x508, %dx
      0xef, // out %eax, (%dx)
    ),
  ),
  entry: TEXT,
  store: TEXT + 5,
  add: TEXT + 12,
  afterAdd: TEXT + 14,
  data: DATA,
  value: 0,
  pc: 16,
  breakpointBytes: 1,
};

/** Arm ARM, C6.2. */
const AARCH64_CODE = [
  0xd280_00a1, // mov x1, #STORED
  0xd2a0_0222, // mov x2, #DATA
  0xb900_0041, // str w1, [x2]
  0x9100_0421, // add x1, x1, #1
  0xd2c0_0023, // mov x3, #0x100000000
  0x1100_4044, // add w4, w2, #HALT_REQUEST_OFFSET
  0xb900_4064, // str w4, [x3, #64]
];
export const AARCH64_GUEST: DebuggedGuestFacts = {
  image: image(AARCH64, new Uint8Array(Uint32Array.from(AARCH64_CODE).buffer)),
  entry: TEXT,
  store: TEXT + 8,
  add: TEXT + 12,
  afterAdd: TEXT + 16,
  data: DATA,
  value: 1,
  pc: 32,
  breakpointBytes: 4,
};

/** One that has no handlers and stores to address 0, with a known value in the architecture's first register. */
export interface FaultyGuestFacts {
  readonly image: Uint8Array;
  /** Address of the store. */
  readonly fault: number;
  readonly valueName: string;
}

export const FAULTY_VALUE = 0x1234;

export const X86_64_FAULTY: FaultyGuestFacts = {
  image: image(
    X86_64,
    Uint8Array.of(
      ...[0xb8, ...le32(FAULTY_VALUE)], // mov $FAULTY_VALUE, %eax
      ...[0x89, 0x04, 0x25, 0, 0, 0, 0], // mov %eax, 0
    ),
  ),
  fault: TEXT + 5,
  valueName: "rax",
};

const AARCH64_FAULTY_CODE = [
  0xd282_4680, // mov x0, #FAULTY_VALUE
  0xaa1f_03e1, // mov x1, xzr
  0xb900_0020, // str w0, [x1]
];
export const AARCH64_FAULTY: FaultyGuestFacts = {
  image: image(AARCH64, new Uint8Array(Uint32Array.from(AARCH64_FAULTY_CODE).buffer)),
  fault: TEXT + 8,
  valueName: "x0",
};
