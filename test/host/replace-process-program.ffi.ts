// A program: does to its process what Node and its users may do, then becomes PROGRAM: [INHERITED,…] PROGRAM [WORD ...]
import { readFileSync } from "node:fs";
import koffi from "koffi";
import { executableMemfd, replaceProcess, standardFlags } from "../../src/host/replace-process.ts";

const SIG_BLOCK = 0;
const SIGNAL_SET_BYTES = 128;

const flags = standardFlags();
const [inherited = "", program = "", ...words] = process.argv.slice(2);

// Each makes Node open the descriptor as a stream: without blocking, where it is a pipe.
for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on("error", () => {});
const block = koffi.load(null).func("int pthread_sigmask(int, void *, void *)");
if (block(SIG_BLOCK, new Uint8Array(SIGNAL_SET_BYTES).fill(0xff), null) !== 0) throw new Error("pthread_sigmask");

const executable = executableMemfd("replaced", { pieces: [{ offset: 0, bytes: readFileSync(program) }] });
replaceProcess(executable, [program, ...words], inherited.split(",").filter(Boolean).map(Number), flags);
