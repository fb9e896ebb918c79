/** How GDB is told of the registers, in the order of the `g` packet (GDB manual, appendix G, "Target Descriptions"). */
import type { Registers } from "../../engine/engine.ts";
import type { Architecture } from "../../format/image.ts";

/** One register of the `g` packet. */
interface DescribedRegister {
  /** As GDB calls it. */
  readonly name: string;
  /** As `Registers` call it. */
  readonly key: string;
  readonly bytes: number;
  readonly type: string;
  /** Only to look at: `DebugEngine.setRegisters` does not take it. */
  readonly isFixed?: true;
}

interface Feature {
  readonly name: string;
  /** Types that its registers use, in GDB's XML. */
  readonly types?: string;
  readonly registers: readonly DescribedRegister[];
}

function described(bytes: number, type: string, names: readonly string[]): DescribedRegister[] {
  return names.map((name) => ({ name, key: name, bytes, type }));
}

const fixed = (registers: readonly DescribedRegister[]): readonly DescribedRegister[] =>
  registers.map((register) => ({ ...register, isFixed: true }));

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, number) => `${prefix}${number}`);

const VEC128 = `<vector id="v4f" type="ieee_single" count="4"/><vector id="v2d" type="ieee_double" count="2"/><vector id="v16i8" type="int8" count="16"/><vector id="v8i16" type="int16" count="8"/><vector id="v4i32" type="int32" count="4"/><vector id="v2i64" type="int64" count="2"/><union id="vec128"><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/><field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/><field name="v4_int32" type="v4i32"/><field name="v2_int64" type="v2i64"/><field name="uint128" type="uint128"/></union>`;

const FEATURES: Readonly<Record<Architecture, readonly Feature[]>> = {
  "x86-64": [
    {
      name: "org.gnu.gdb.i386.core",
      registers: [
        ...described(8, "int64", ["rax", "rbx", "rcx", "rdx", "rsi", "rdi"]),
        ...described(8, "data_ptr", ["rbp", "rsp"]),
        ...described(8, "int64", ["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"]),
        ...described(8, "code_ptr", ["rip"]),
        { name: "eflags", key: "rflags", bytes: 4, type: "int32" },
        ...fixed(described(4, "int32", ["cs", "ss", "ds", "es", "fs", "gs"])),
        ...fixed(described(10, "i387_ext", numbered("st", 8))),
        ...fixed(described(4, "int32", ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"])),
      ],
    },
    {
      name: "org.gnu.gdb.i386.sse",
      types: VEC128,
      registers: fixed([...described(16, "vec128", numbered("xmm", 16)), ...described(4, "int32", ["mxcsr"])]),
    },
    { name: "org.gnu.gdb.i386.segments", registers: described(8, "int64", ["fs_base", "gs_base"]) },
  ],
  aarch64: [
    {
      name: "org.gnu.gdb.aarch64.core",
      registers: [
        ...described(8, "int64", numbered("x", 31)),
        ...described(8, "data_ptr", ["sp"]),
        ...described(8, "code_ptr", ["pc"]),
        { name: "cpsr", key: "pstate", bytes: 4, type: "int32" },
      ],
    },
    {
      name: "org.gnu.gdb.aarch64.fpu",
      types: VEC128,
      registers: fixed([...described(16, "vec128", numbered("v", 32)), ...described(4, "int32", ["fpsr", "fpcr"])]),
    },
  ],
};
const GDB_NAME: Readonly<Record<Architecture, string>> = { "x86-64": "i386:x86-64", aarch64: "aarch64" };

/** Name of the program counter in `Registers`. */
export const PROGRAM_COUNTER: Readonly<Record<Architecture, string>> = { "x86-64": "rip", aarch64: "pc" };

/** `target.xml`. */
export function targetDescription(architecture: Architecture): string {
  const features = FEATURES[architecture].map(({ name, types = "", registers }) => {
    const lines = registers.map((one) => `<reg name="${one.name}" bitsize="${one.bytes * 8}" type="${one.type}"/>`);
    return `<feature name="${name}">${types}${lines.join("")}</feature>`;
  });
  return `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>${GDB_NAME[architecture]}</architecture>${features.join("")}</target>`;
}

function registersOf(architecture: Architecture): readonly DescribedRegister[] {
  return FEATURES[architecture].flatMap(({ registers }) => registers);
}

/** The value in hexadecimal digits, lowest byte first; `x` for each where it is not known. */
function encode({ key, bytes }: DescribedRegister, registers: Registers): string {
  const value = registers.get(key);
  if (value === undefined) return "x".repeat(2 * bytes);
  const digits = BigInt.asUintN(8 * bytes, value)
    .toString(16)
    .padStart(2 * bytes, "0");
  return reversedBytes(digits);
}

function reversedBytes(digits: string): string {
  return (digits.match(/../g) ?? []).reverse().join("");
}

/** All registers, as the `g` packet has them. */
export function encodeRegisters(architecture: Architecture, registers: Registers): string {
  return registersOf(architecture)
    .map((register) => encode(register, registers))
    .join("");
}

/** One register by its number; undefined where there is none. */
export function encodeRegister(architecture: Architecture, number: number, registers: Registers): string | undefined {
  const register = registersOf(architecture)[number];
  return register === undefined ? undefined : encode(register, registers);
}

/** What a `G` packet sets, of what can be set; undefined where it is no such packet. */
export function decodeRegisters(architecture: Architecture, digits: string): Registers | undefined {
  const values = new Map<string, bigint>();
  let at = 0;
  for (const { key, bytes, isFixed } of registersOf(architecture)) {
    const part = digits.slice(at, at + 2 * bytes);
    at += 2 * bytes;
    const value = decode(part, bytes);
    if (value !== undefined) {
      if (isFixed === undefined) values.set(key, value);
    } else if (!/^x+$/.test(part) || part.length !== 2 * bytes) return undefined;
  }
  return at === digits.length ? values : undefined;
}

/** What a `P` packet sets; undefined where no such register can be set, or the value is not of its size. */
export function decodeRegister(architecture: Architecture, number: number, digits: string): Registers | undefined {
  const register = registersOf(architecture)[number];
  if (register === undefined || register.isFixed) return undefined;
  const value = decode(digits, register.bytes);
  return value === undefined ? undefined : new Map([[register.key, value]]);
}

function decode(digits: string, bytes: number): bigint | undefined {
  if (digits.length !== 2 * bytes || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  return BigInt(`0x${reversedBytes(digits)}`);
}
