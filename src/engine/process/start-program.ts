import {
  addressIn,
  type BlockAttachment,
  type NetAttachment,
  processNameBytes,
  TIMER_EVENT_DATA,
} from "../../abi/spt.ts";
import type { Architecture } from "../../format/image.ts";
import { Aarch64Assembler } from "./assembler/aarch64.ts";
import type { Assembler, Label, Register } from "./assembler/assembler.ts";
import { X86Assembler } from "./assembler/x86-64.ts";
import { SYSTEM_CALLS, type SystemCall } from "./syscalls.ts";

/** What the start code of one executable does; all addresses are the guest's, sizes in bytes. */
export interface StartProgram {
  readonly architecture: Architecture;
  /** First word of the line that start code writes when it refuses, e.g. `skiff`. */
  readonly speaker: string;
  /** Name of the process (`ps`, `/proc/PID/comm`); 15 bytes of it are kept. */
  readonly processName: string;
  /** The largest host page that the executable is laid out for. */
  readonly pageBytesMax: number;
  readonly imageStart: number;
  /** End of the image: from the next host page on, start code maps memory up to `memoryBytes`. */
  readonly imageEnd: number;
  readonly memoryBytes: number;
  /** Also lets the guest execute what it writes there. */
  readonly executableHeap: boolean;
  readonly commandLineAddress: number;
  readonly commandLineBytes: number;
  readonly block: readonly BlockAttachment[];
  readonly net: readonly NetAttachment[];
  readonly epollDescriptor: number;
  readonly timerDescriptor: number;
  /** The seccomp filter, 8 bytes an instruction. */
  readonly filter: Uint8Array;
  readonly entry: number;
  readonly stackPointer: number;
  /** Pages of their own for what lies below the image. */
  readonly lowMemory: { readonly address: number; readonly bytes: number };
  /** Copied there; its address is the guest's first argument. */
  readonly bootInformation: { readonly address: number; readonly content: Uint8Array };
}

// Linux include/uapi: mman.h, fcntl.h, personality.h, auxvec.h, prctl.h, seccomp.h, eventpoll.h, if_tun.h, sockios.h.
const PROT_READ_WRITE = 3;
const PROT_READ_WRITE_EXEC = 7;
const MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE = 0x10_0022;
const AT_PAGESZ = 6;
const AT_EXECFN = 31;
const PERSONALITY_QUERY = 0xffff_ffff;
const MMAP_PAGE_ZERO_OR_READ_IMPLIES_EXEC = 0x50_0000;
const SEEK_END = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const O_RDWR = 2;
const O_APPEND = 0x400;
const O_ACCMODE = 3;
const O_NONBLOCK = 0x800;
const TUNGETIFF = 0x8004_54d2;
const SIOCGIFMTU = 0x8921;
const IFREQ_UNION_OFFSET = 16;
const IFF_TAP_NO_PI = 0x1002;
const IFF_TUN_TAP_NO_PI_VNET_HDR = 0x5003;
const PACKET_INFORMATION_BYTES = 4;
const ETHERNET_HEADER_BYTES = 14;
const EFAULT = 14;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0x8_0002;
const CLOCK_MONOTONIC = 1;
const TFD_NONBLOCK = 0x800;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const PR_SET_NAME = 15;
const PR_SET_MM = 35;
const PR_SET_MM_MAP = 14;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const STDERR = 2;
const DESCRIPTOR_LAST = 0xffff_ffff;

/** Below the initial stack pointer: room for a `struct ifreq` or a `struct prctl_mm_map`. */
const SCRATCH_BYTES = 128;
// `struct prctl_mm_map`: twelve 64-bit words, then the size of the auxiliary vector and the executable's descriptor.
const MM_MAP_WORDS = 13;
const MM_MAP_ARGUMENTS_END = 8;
const MM_MAP_NO_AUXV_AND_SAME_EXE = 0xffff_ffff_0000_0000n;

/** More than the 128 KiB by which the kernel extends the initial stack downwards (Linux fs/exec.c, `setup_arg_pages`). */
const STACK_BELOW_BYTES = 0x40000;

/**
 * Emits the code that runs between `execve` and the guest's first instruction: it verifies what was fixed at build,
 * maps the guest's memory, makes epoll set and timer, closes what the guest does not own, gives back the initial stack
 * with the environment in it, installs the filter and enters the guest.
 */
export function emitStartCode(program: StartProgram, address: bigint): Uint8Array {
  return new StartEmitter(program).emit().finish(address);
}

class StartEmitter {
  readonly #program: StartProgram;
  readonly #code: Assembler;
  readonly #refusals: { readonly label: Label; readonly line: Uint8Array }[] = [];
  readonly #data: { readonly label: Label; readonly bytes: Uint8Array }[] = [];

  constructor(program: StartProgram) {
    this.#program = program;
    this.#code = program.architecture === "x86-64" ? new X86Assembler() : new Aarch64Assembler();
  }

  /** `keep0` walks the arguments, `keep1` holds the host's page size, `keep2` the scratch area, `keep4` AT_EXECFN. */
  emit(): Assembler {
    this.#readInitialStack();
    this.#checkPageSize();
    this.#checkPersonality();
    this.#mapMemory();
    this.#copyBootInformation();
    this.#copyCommandLine();
    this.#showCommandLine();
    for (const block of this.#program.block) this.#checkBlock(block);
    this.#prepareNets();
    this.#makeEpollSet();
    this.#closeOtherDescriptors();
    this.#call("prctl", PR_SET_NAME, this.#dataLabel("process name", this.#nameData()));
    this.#call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    this.#refuseIfNegative("no_new_privs cannot be set");
    this.#unmapInitialStack();
    this.#installFilter();
    this.#code.enter(
      BigInt(this.#program.entry),
      BigInt(this.#program.stackPointer),
      BigInt(this.#program.bootInformation.address),
    );
    this.#emitRefusals();
    for (const { label, bytes } of this.#data) {
      this.#code.data(new Uint8Array(0), 8);
      this.#code.place(label);
      this.#code.data(bytes, 1);
    }
    return this.#code;
  }

  /** The initial stack: argument count, arguments, NULL, environment, NULL, auxiliary vector (System V ABI, 3.4.1). */
  #readInitialStack(): void {
    const code = this.#code;
    code.readStackPointer("keep0");
    code.copy("keep2", "keep0");
    code.addConstant("keep2", -SCRATCH_BYTES);
    code.set("keep1", 0);
    code.set("keep4", 0);
    code.copy("keep3", "keep0");
    code.set("scratch0", 0);
    for (const list of ["arguments", "environment"]) {
      const next = this.#placeLabel(list);
      code.addConstant("keep3", 8);
      code.load("arg0", "keep3", 0, 8);
      code.compare("arg0", "scratch0");
      code.branch("notEqual", next);
    }
    code.addConstant("keep3", 8);
    const done = code.label("end of the auxiliary vector");
    const next = this.#placeLabel("auxiliary vector");
    code.load("arg0", "keep3", 0, 8);
    code.load("arg1", "keep3", 8, 8);
    code.addConstant("keep3", 16);
    code.compare("arg0", "scratch0");
    code.branch("equal", done);
    this.#keepAuxiliary(AT_PAGESZ, "keep1");
    this.#keepAuxiliary(AT_EXECFN, "keep4");
    code.jump(next);
    code.place(done);
  }

  #keepAuxiliary(type: number, to: Register): void {
    const other = this.#code.label(`not ${type}`);
    this.#code.set("arg2", type);
    this.#code.compare("arg0", "arg2");
    this.#code.branch("notEqual", other);
    this.#code.copy(to, "arg1");
    this.#code.place(other);
  }

  #checkPageSize(): void {
    const { pageBytesMax } = this.#program;
    this.#code.set("scratch0", pageBytesMax);
    this.#code.compare("scratch0", "keep1");
    this.#refuseIf("unsignedBelow", `this host's pages are larger than the ${pageBytesMax / 1024} KiB of the build`);
  }

  #checkPersonality(): void {
    this.#call("personality", PERSONALITY_QUERY);
    this.#code.copy("arg0", "result");
    this.#code.set("scratch0", MMAP_PAGE_ZERO_OR_READ_IMPLIES_EXEC);
    this.#code.and("arg0", "scratch0");
    this.#refuseUnlessEqual("arg0", 0, "the personality makes memory executable; start it without setarch's -X and -Z");
  }

  #mapMemory(): void {
    const { imageEnd, memoryBytes, executableHeap } = this.#program;
    const code = this.#code;
    // The first host page above the image: (end + page - 1) & -page.
    code.set("keep3", imageEnd);
    code.add("keep3", "keep1");
    code.addConstant("keep3", -1);
    this.#alignDownToPage("keep3");
    code.copy("arg0", "keep3");
    code.set("arg1", memoryBytes);
    code.subtract("arg1", "arg0");
    const mib = Math.floor(memoryBytes / 2 ** 20);
    const refusal = `${mib} MiB of guest memory cannot be had; free some, or give the guest less by --mem`;
    this.#mapPrepared(executableHeap ? PROT_READ_WRITE_EXEC : PROT_READ_WRITE, refusal);
  }

  /** Maps the range whose address stands in `keep3` and `arg0`, and whose length in `arg1`. */
  #mapPrepared(protection: number, refusal: string): void {
    const code = this.#code;
    code.set("arg2", protection);
    code.set("arg3", MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE);
    code.set("arg4", -1);
    code.set("arg5", 0);
    this.#callPrepared("mmap");
    code.copy("arg1", "result");
    code.compare("arg1", "keep3");
    this.#refuseIf("notEqual", refusal);
  }

  /** In pages without a file behind them: `ps` shows a command line from no others. */
  #copyBootInformation(): void {
    const { lowMemory, bootInformation } = this.#program;
    const code = this.#code;
    code.set("keep3", lowMemory.address);
    code.set("arg0", lowMemory.address);
    code.set("arg1", lowMemory.bytes);
    this.#mapPrepared(PROT_READ_WRITE, "low memory cannot be mapped: set the sysctl vm.mmap_min_addr to 65536 or less");
    code.setAddress("arg0", this.#dataLabel("boot information", bootInformation.content));
    code.set("arg1", bootInformation.address);
    code.set("arg2", bootInformation.address + bootInformation.content.length);
    const next = this.#placeLabel("next word of the boot information");
    code.load("arg3", "arg0", 0, 8);
    code.store("arg3", "arg1", 0, 8);
    code.addConstant("arg0", 8);
    code.addConstant("arg1", 8);
    code.compare("arg1", "arg2");
    code.branch("unsignedBelow", next);
  }

  /** Joins the arguments after the first by spaces, as upstream's tender does. */
  #copyCommandLine(): void {
    const { commandLineAddress, commandLineBytes } = this.#program;
    const code = this.#code;
    const done = code.label("end of the command line");
    const nextWord = code.label("next word");
    const nextByte = code.label("next byte");
    const wordEnd = code.label("end of a word");
    const tooLong = this.#refusal(`the guest's command line is longer than ${commandLineBytes - 1} bytes`);
    code.set("arg1", commandLineAddress);
    code.set("arg2", commandLineAddress + commandLineBytes - 1);
    code.set("scratch0", 0);
    code.addConstant("keep0", 8);
    code.load("arg0", "keep0", 0, 8);
    code.compare("arg0", "scratch0");
    code.branch("equal", done);
    code.place(nextWord);
    code.addConstant("keep0", 8);
    code.load("arg0", "keep0", 0, 8);
    code.compare("arg0", "scratch0");
    code.branch("equal", done);
    code.place(nextByte);
    code.load("arg3", "arg0", 0, 1);
    code.compare("arg3", "scratch0");
    code.branch("equal", wordEnd);
    this.#appendToCommandLine(tooLong);
    code.addConstant("arg0", 1);
    code.jump(nextByte);
    code.place(wordEnd);
    code.load("arg3", "keep0", 8, 8);
    code.compare("arg3", "scratch0");
    code.branch("equal", done);
    code.set("arg3", 0x20);
    this.#appendToCommandLine(tooLong);
    code.jump(nextWord);
    code.place(done);
  }

  #appendToCommandLine(tooLong: Label): void {
    this.#code.compare("arg1", "arg2");
    this.#code.branch("unsignedAtLeast", tooLong);
    this.#code.store("arg3", "arg1", 0, 1);
    this.#code.addConstant("arg1", 1);
  }

  /**
   * Tells the kernel where name and command line lie now (prctl(2), `PR_SET_MM_MAP`), so that `ps` shows them: the
   * initial stack, where it looks otherwise, will be gone. Kernels without CONFIG_CHECKPOINT_RESTORE refuse, and show
   * the name alone. The end of the command line is still in `arg1`.
   */
  #showCommandLine(): void {
    const { imageStart, imageEnd, commandLineAddress, memoryBytes } = this.#program;
    const code = this.#code;
    const terminated = "arg1";
    code.addConstant(terminated, 1);
    code.store(terminated, "keep2", 8 * MM_MAP_ARGUMENTS_END, 8);
    const argumentsStart = commandLineAddress - this.#nameData().length;
    // Code, data and heap from start to end, start of the stack, start of the arguments.
    const map = [imageStart, imageEnd, imageStart, imageEnd, imageEnd, imageEnd, memoryBytes, argumentsStart];
    // After the end of the arguments: an empty environment, no auxiliary vector, and the executable as it is.
    const rest = [imageEnd, imageEnd, 0, MM_MAP_NO_AUXV_AND_SAME_EXE];
    for (const [index, value] of [...map.entries(), ...rest.map((value, index) => [index + 9, value] as const)]) {
      code.set("arg0", value);
      code.store("arg0", "keep2", 8 * index, 8);
    }
    this.#call("prctl", PR_SET_MM, PR_SET_MM_MAP, "keep2", 8 * MM_MAP_WORDS, 0);
  }

  #nameData(): Uint8Array {
    return processNameBytes(this.#program.processName);
  }

  #checkBlock({ name, descriptor, capacityBytes }: BlockAttachment): void {
    const device = `block device '${name}' (descriptor ${descriptor})`;
    this.#call("lseek", descriptor, 0, SEEK_END);
    this.#code.copy("arg0", "result");
    this.#refuseUnlessEqual(
      "arg0",
      capacityBytes,
      `${device} must be open and hold ${capacityBytes} bytes, as at build`,
    );
    this.#call("fcntl", descriptor, F_GETFL);
    this.#code.copy("arg0", "result");
    this.#code.set("scratch0", O_ACCMODE | O_APPEND);
    this.#code.and("arg0", "scratch0");
    this.#refuseUnlessEqual("arg0", O_RDWR, `${device} must be open for reading and writing, not appending`);
  }

  #prepareNets(): void {
    const { net } = this.#program;
    if (net.length === 0) return;
    this.#call("socket", AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    this.#refuseIfNegative("no socket can be made to read a tap's MTU: raise the limit of open files");
    this.#code.copy("keep0", "result");
    for (const device of net) this.#prepareNet(device);
    this.#call("close", "keep0");
  }

  /** Verifies that the descriptor is a tap, reads its MTU by the socket in `keep0`, and draws a MAC. */
  #prepareNet({ name, descriptor, index, mac }: NetAttachment): void {
    const code = this.#code;
    const device = `net device '${name}' (descriptor ${descriptor})`;
    this.#call("ioctl", descriptor, TUNGETIFF, "keep2");
    const notTap = this.#refuseIfNegative(`${device} must be an open tap without packet information`);
    code.load("arg0", "keep2", IFREQ_UNION_OFFSET, 2);
    code.set("scratch0", IFF_TUN_TAP_NO_PI_VNET_HDR);
    code.and("arg0", "scratch0");
    code.set("scratch0", IFF_TAP_NO_PI);
    code.compare("arg0", "scratch0");
    code.branch("notEqual", notTap);
    this.#checkPacketInformation(descriptor, notTap);
    this.#call("ioctl", "keep0", SIOCGIFMTU, "keep2");
    this.#refuseIfNegative(`${device} is a tap of another network namespace, its MTU cannot be read`);
    code.load("arg0", "keep2", IFREQ_UNION_OFFSET, 2);
    code.set("arg1", addressIn.mtu(index));
    code.store("arg0", "arg1", 0, 2);
    this.#call("fcntl", descriptor, F_SETFL, O_NONBLOCK);
    this.#refuseIfNegative(`${device} cannot be set to non-blocking`);
    if (mac === undefined) this.#drawMac(addressIn.mac(index));
  }

  /**
   * Packet information cannot be asked for: where it is off, TUNGETIFF sets a bit that IFF_NOFILTER sets too (Linux
   * include/uapi/linux/if_tun.h). So the tap is given the bytes of the shortest frame, of which it can read four alone:
   * as packet information they leave too short a frame (EINVAL), as a frame they are an address outside memory (EFAULT;
   * drivers/net/tun.c, `tun_get_user`). No frame comes of either.
   */
  #checkPacketInformation(descriptor: number, notTap: Label): void {
    const { address, bytes } = this.#program.lowMemory;
    this.#call("write", descriptor, address + bytes - PACKET_INFORMATION_BYTES, ETHERNET_HEADER_BYTES);
    this.#code.copy("arg0", "result");
    this.#code.set("scratch0", -EFAULT);
    this.#code.compare("arg0", "scratch0");
    this.#code.branch("notEqual", notTap);
  }

  /** Six random bytes, of which the first is made that of a locally administered unicast address (IEEE 802, 8.2). */
  #drawMac(address: number): void {
    const code = this.#code;
    this.#call("getrandom", address, 6, 0);
    code.copy("arg0", "result");
    this.#refuseUnlessEqual("arg0", 6, "no MAC address can be drawn: getrandom failed");
    code.set("arg1", address);
    code.load("arg0", "arg1", 0, 1);
    code.set("scratch0", 0xfc);
    code.and("arg0", "scratch0");
    code.addConstant("arg0", 2);
    code.store("arg0", "arg1", 0, 1);
  }

  #makeEpollSet(): void {
    const { epollDescriptor, timerDescriptor, net } = this.#program;
    this.#call("epoll_create1", 0);
    this.#moveDescriptor(epollDescriptor, "the epoll set cannot be made: raise the limit of open files");
    this.#call("timerfd_create", CLOCK_MONOTONIC, TFD_NONBLOCK);
    this.#moveDescriptor(timerDescriptor, "the timer cannot be made: raise the limit of open files");
    this.#addToEpollSet(timerDescriptor, TIMER_EVENT_DATA);
    for (const device of net) this.#addToEpollSet(device.descriptor, BigInt(device.index));
  }

  /** Moves the descriptor in `result` to the number that the filter knows. */
  #moveDescriptor(to: number, message: string): void {
    const code = this.#code;
    code.copy("keep3", "result");
    const inPlace = code.label("in place");
    code.set("scratch0", 0);
    code.compare("keep3", "scratch0");
    const refusal = this.#refuseIf("signedLess", message);
    code.set("scratch0", to);
    code.compare("keep3", "scratch0");
    code.branch("equal", inPlace);
    this.#call("dup3", "keep3", to, 0);
    this.#branchIfNegative(refusal);
    this.#call("close", "keep3");
    code.place(inPlace);
  }

  #addToEpollSet(descriptor: number, data: bigint): void {
    const event = this.#dataLabel("epoll event", epollEvent(this.#program.architecture, data));
    this.#call("epoll_ctl", this.#program.epollDescriptor, EPOLL_CTL_ADD, descriptor, event);
    this.#refuseIfNegative(`descriptor ${descriptor} cannot be waited for`);
  }

  /** Kernels before 5.9 lack `close_range`; what stays open there is still out of the filter's reach. */
  #closeOtherDescriptors(): void {
    const { block, net, epollDescriptor, timerDescriptor } = this.#program;
    const kept = [...block, ...net].map((device) => device.descriptor);
    kept.push(epollDescriptor, timerDescriptor);
    let from = STDERR + 1;
    for (const descriptor of kept.sort((a, b) => a - b)) {
      if (descriptor > from) this.#call("close_range", from, descriptor - 1, 0);
      from = Math.max(from, descriptor + 1);
    }
    this.#call("close_range", from, DESCRIPTOR_LAST, 0);
  }

  /** The strings at its top end with the file name that AT_EXECFN points at; the stack ends with that page. */
  #unmapInitialStack(): void {
    const code = this.#code;
    code.set("scratch0", 0);
    const next = this.#placeLabel("file name");
    code.load("arg0", "keep4", 0, 1);
    code.addConstant("keep4", 1);
    code.compare("arg0", "scratch0");
    code.branch("notEqual", next);
    code.add("keep4", "keep1");
    code.addConstant("keep4", -1);
    this.#alignDownToPage("keep4");
    code.set("scratch0", STACK_BELOW_BYTES);
    code.copy("arg0", "keep2");
    code.subtract("arg0", "scratch0");
    this.#alignDownToPage("arg0");
    code.copy("arg1", "keep4");
    code.subtract("arg1", "arg0");
    this.#callPrepared("munmap");
    this.#refuseIfNegative("the initial stack cannot be unmapped");
  }

  #installFilter(): void {
    const { filter } = this.#program;
    const program = this.#code.label("struct sock_fprog");
    const behind = this.#code.label("behind the filter's description");
    const instructions = this.#dataLabel("filter", filter);
    this.#code.jump(behind);
    this.#code.data(new Uint8Array(0), 8);
    this.#code.place(program);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setUint16(0, filter.length / 8, true);
    this.#code.data(length, 8);
    this.#code.dataAddress(instructions);
    this.#code.place(behind);
    this.#call("seccomp", SECCOMP_SET_MODE_FILTER, 0, program);
    this.#refuseIfNegative("the seccomp filter cannot be installed: the kernel needs CONFIG_SECCOMP_FILTER");
  }

  /** `register &= -page`, with the page size in `keep1`. */
  #alignDownToPage(register: Register): void {
    this.#code.set("scratch0", 0);
    this.#code.subtract("scratch0", "keep1");
    this.#code.and(register, "scratch0");
  }

  #call(call: SystemCall, ...args: readonly (number | bigint | Register | Label)[]): void {
    for (const [index, value] of args.entries()) {
      const register = `arg${index}` as Register;
      if (typeof value === "object") this.#code.setAddress(register, value);
      else if (typeof value === "string") this.#code.copy(register, value);
      else this.#code.set(register, value);
    }
    this.#callPrepared(call);
  }

  #callPrepared(call: SystemCall): void {
    const numbers: Readonly<Partial<Record<SystemCall, number>>> = SYSTEM_CALLS[this.#program.architecture];
    const number = numbers[call];
    if (number === undefined) throw new RangeError(`${call} does not exist on ${this.#program.architecture}`);
    this.#code.set("number", number);
    this.#code.systemCall();
  }

  #refuseIfNegative(message: string): Label {
    const refusal = this.#refusal(message);
    this.#branchIfNegative(refusal);
    return refusal;
  }

  #branchIfNegative(target: Label): void {
    this.#code.set("scratch0", 0);
    this.#code.compare("result", "scratch0");
    this.#code.branch("signedLess", target);
  }

  #refuseUnlessEqual(register: Register, value: number, message: string): Label {
    this.#code.set("scratch0", value);
    this.#code.compare(register, "scratch0");
    return this.#refuseIf("notEqual", message);
  }

  #refuseIf(condition: Parameters<Assembler["branch"]>[0], message: string): Label {
    const refusal = this.#refusal(message);
    this.#code.branch(condition, refusal);
    return refusal;
  }

  #refusal(message: string): Label {
    const label = this.#code.label(message);
    this.#refusals.push({ label, line: new TextEncoder().encode(`${this.#program.speaker}: ${message}\n`) });
    return label;
  }

  /** Each refusal writes its line to standard error and ends the process with status 1. */
  #emitRefusals(): void {
    const code = this.#code;
    const end = code.label("end of a refusal");
    for (const { label, line } of this.#refusals) {
      code.place(label);
      code.setAddress("arg1", this.#dataLabel("line", line));
      code.set("arg2", line.length);
      code.jump(end);
    }
    code.place(end);
    code.set("arg0", STDERR);
    this.#callPrepared("write");
    this.#call("exit_group", 1);
  }

  #placeLabel(name: string): Label {
    const label = this.#code.label(name);
    this.#code.place(label);
    return label;
  }

  #dataLabel(name: string, bytes: Uint8Array): Label {
    const label = this.#code.label(name);
    this.#data.push({ label, bytes });
    return label;
  }
}

/** `struct epoll_event` is packed on x86-64 alone (Linux include/uapi/linux/eventpoll.h). */
function epollEvent(architecture: Architecture, data: bigint): Uint8Array {
  const packed = architecture === "x86-64";
  const bytes = new Uint8Array(packed ? 12 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, EPOLLIN, true);
  view.setBigUint64(packed ? 4 : 8, data, true);
  return bytes;
}
