/** The commands of GDB's remote serial protocol that a stopped guest answers (GDB manual, appendix E). */
import type { DebugEngine } from "../../engine/engine.ts";
import type { Architecture } from "../../format/image.ts";
import { HostError } from "../../host/error.ts";
import type { GuestRange } from "../../memory/guest-memory.ts";
import type { Breaks } from "./breaks.ts";
import { PACKET_BYTES_MAX } from "./packet.ts";
import {
  decodeRegister,
  decodeRegisters,
  encodeRegister,
  encodeRegisters,
  targetDescription,
} from "./target-description.ts";

/** What a debugger looks at. */
export interface DebugTarget
  extends Pick<DebugEngine, "registers" | "setRegisters" | "memory" | "instructionsWritten"> {
  readonly architecture: Architecture;
}

/** What a command asks for beside its reply. */
export type Command =
  | { readonly type: "reply"; readonly text: string }
  | { readonly type: "resume"; readonly step: boolean }
  /** The last stop reply again. */
  | { readonly type: "why" }
  | { readonly type: "detach"; readonly text: string }
  | { readonly type: "kill"; readonly text: string }
  | { readonly type: "no acknowledgments"; readonly text: string };

/** GDB does not look at the number. */
const ERROR = "E01";
const OK = "OK";
/** Room for two digits a byte. */
const MEMORY_BYTES_MAX = PACKET_BYTES_MAX / 2;

/** Answers to questions that have one answer; the only thread is number 1. */
const FIXED: Readonly<Record<string, string>> = {
  qC: "QC1",
  qfThreadInfo: "m1",
  qsThreadInfo: "l",
  qAttached: "0",
  T1: OK,
};

/** Reads a command and does what it asks for; what is not understood gets an empty reply, as the protocol wants. */
export function execute(text: string, target: DebugTarget, breaks: Breaks): Command {
  try {
    return dispatch(text, target, breaks);
  } catch (error) {
    // A value that the processor does not take.
    if (error instanceof HostError || error instanceof RangeError) return reply(ERROR);
    throw error;
  }
}

function reply(text: string): Command {
  return { type: "reply", text };
}

function dispatch(text: string, target: DebugTarget, breaks: Breaks): Command {
  if (text === "?") return { type: "why" };
  // With a signal, of which a guest has none, or without. Not from another address: clients set the program counter then.
  if (/^[cs]$|^[CS][0-9a-f]{2}$/.test(text)) return { type: "resume", step: /^[sS]/.test(text) };
  if (text === "k") return { type: "kill", text: "" };
  if (text.startsWith("vKill")) return { type: "kill", text: OK };
  if (text === "D" || text.startsWith("D;")) return { type: "detach", text: OK };
  if (text === "QStartNoAckMode") return { type: "no acknowledgments", text: OK };
  if (text.startsWith("qSupported")) return reply(SUPPORTED);
  if (text.startsWith("qXfer:features:read:target.xml:")) return reply(describe(text, target.architecture));
  const fixed = Object.hasOwn(FIXED, text) ? FIXED[text] : undefined;
  if (fixed !== undefined) return reply(fixed);
  switch (text[0]) {
    case "H":
      return reply(OK);
    case "g":
    case "G":
    case "p":
    case "P":
      return reply(registerCommand(text, target));
    case "m":
    case "M":
      return reply(memoryCommand(text, target));
    case "Z":
    case "z":
      return reply(breakCommand(text, breaks));
    default:
      return reply("");
  }
}

const SUPPORTED = `PacketSize=${PACKET_BYTES_MAX.toString(16)};qXfer:features:read+;swbreak+;hwbreak+;QStartNoAckMode+`;

/** A part of `target.xml`: `m` before it where more follows, `l` where it is the last. */
function describe(text: string, architecture: Architecture): string {
  const match = /:([0-9a-f]{1,8}),([0-9a-f]{1,8})$/.exec(text);
  if (match === null) return ERROR;
  const offset = Number.parseInt(match[1] ?? "", 16);
  const length = Math.min(Number.parseInt(match[2] ?? "", 16), PACKET_BYTES_MAX / 2);
  const description = targetDescription(architecture);
  const part = description.slice(offset, offset + length);
  return `${offset + part.length < description.length ? "m" : "l"}${part}`;
}

function registerCommand(text: string, target: DebugTarget): string {
  const { architecture } = target;
  if (text === "g") return encodeRegisters(architecture, target.registers());
  const read = /^p([0-9a-f]{1,4})$/.exec(text);
  if (read !== null) {
    return encodeRegister(architecture, Number.parseInt(read[1] ?? "", 16), target.registers()) ?? ERROR;
  }
  const write = /^P([0-9a-f]{1,4})=([0-9a-fA-F]*)$/.exec(text);
  const values =
    write === null
      ? text.startsWith("G") && decodeRegisters(architecture, text.slice(1))
      : decodeRegister(architecture, Number.parseInt(write[1] ?? "", 16), write[2] ?? "");
  if (!values) return ERROR;
  target.setRegisters(values);
  return OK;
}

function memoryCommand(text: string, target: DebugTarget): string {
  const match = /^[mM]([0-9a-f]{1,16}),([0-9a-f]{1,8})(?::([0-9a-fA-F]*))?$/.exec(text);
  if (match === null) return ERROR;
  const bytes = Number.parseInt(match[2] ?? "", 16);
  const range = bytes <= MEMORY_BYTES_MAX ? memoryAt(target, match[1] ?? "", bytes) : undefined;
  if (range === undefined) return ERROR;
  const digits = match[3];
  if (text.startsWith("m")) return digits === undefined ? Buffer.from(range.bytes).toString("hex") : ERROR;
  if (digits?.length !== 2 * bytes) return ERROR;
  range.bytes.set(Buffer.from(digits, "hex"));
  target.instructionsWritten(range.address, bytes);
  return OK;
}

function memoryAt({ memory }: DebugTarget, digits: string, bytes: number): GuestRange | undefined {
  return memory.range(Number.parseInt(digits, 16), bytes);
}

function breakCommand(text: string, breaks: Breaks): string {
  // Conditions for the stub to evaluate were not offered: none may follow.
  const match = /^[Zz]([0-9]),([0-9a-f]{1,16}),([0-9a-f]{1,8})$/.exec(text);
  if (match === null) return ERROR;
  const type = Number(match[1]);
  if (type > 4) return "";
  const address = BigInt(`0x${match[2]}`);
  const bytes = Number.parseInt(match[3] ?? "", 16);
  const isDone = text.startsWith("Z") ? breaks.add(type, address, bytes) : breaks.remove(type, address, bytes);
  return isDone ? OK : ERROR;
}
