// A program: deny CALL[,ARGUMENT,VALUE]... ERRNO DESCRIPTORS PROGRAM [WORD ...]
// Becomes PROGRAM, in which the kernel refuses one system call with that error number: it shows what a program does on
// kernels and in containers that lack the call; by error number 0 the call does nothing and gives 0. So many descriptors from 0 on are left to it.
import koffi from "koffi";
import { BpfAssembler } from "../../src/engine/process/seccomp/bpf.ts";
import { execve, setCloseOnExec } from "../../src/host/libc.ffi.ts";

// Linux include/uapi/linux/{prctl,seccomp}.h; seccomp's number is the only one that differs here.
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP = process.arch === "x64" ? 317 : 277;
const SECCOMP_SET_MODE_FILTER = 1;
const RETURN_ALLOW = 0x7fff_0000;
const RETURN_ERRNO = 0x0005_0000;
const ARGUMENTS_OFFSET = 16;

const libc = koffi.load(null);
const prctl = libc.func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)");
const syscall = libc.func("long syscall(long, long, long, void *)");

const [rule = "", errno = "", descriptors = "", program = "", ...words] = process.argv.slice(2);
const [call = 0, ...conditions] = rule.split(",").map(Number);

const bpf = new BpfAssembler();
const allowed = bpf.label("allowed");
bpf.load(0);
bpf.jumpIfEqual(call, undefined, allowed);
for (let at = 0; at < conditions.length; at += 2) {
  bpf.load(ARGUMENTS_OFFSET + 8 * (conditions[at] ?? 0));
  bpf.jumpIfEqual(conditions[at + 1] ?? 0, undefined, allowed);
}
bpf.return(RETURN_ERRNO | Number(errno));
bpf.place(allowed);
bpf.return(RETURN_ALLOW);
const filter = bpf.finish();

// `struct sock_fprog`: the number of instructions, padding, and their address.
const description = Buffer.alloc(16);
description.writeUInt16LE(filter.length / 8, 0);
description.writeBigUInt64LE(koffi.address(filter), 8);

// Node marked them as it started.
for (let descriptor = 0; descriptor < Number(descriptors); descriptor++) setCloseOnExec(descriptor, false);
if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error(`prctl: errno ${koffi.errno()}`);
if (syscall(SECCOMP, SECCOMP_SET_MODE_FILTER, 0, description) !== 0) throw new Error(`seccomp: errno ${koffi.errno()}`);
execve(program, [program, ...words], []);
