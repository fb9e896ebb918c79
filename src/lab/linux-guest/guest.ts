import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { makeRootFolder, type RootFolder } from "../container/root-folder.ts";
import { SampleError } from "../lack.ts";
import type { Program } from "../program.ts";
import { initramfsOf } from "./cpio.ts";
import { type GuestKernel, modulesInOrder, readModule } from "./kernel.ts";

/** What a Linux guest is booted with. */
export interface LinuxGuest {
  readonly kernel: string;
  /** Path of the initramfs. */
  readonly initramfs: string;
  readonly initramfsBytes: number;
  /** The kernel's command line, `<address>` to be replaced in it by the server's, e.g. `10.200.0.2/30`. */
  readonly append: string;
}

export interface GuestParts {
  readonly kernel: GuestKernel;
  /** A static busybox: it sets up the network and the file systems of programs that need them. */
  readonly busybox: string;
  /** The modules of the network device. */
  readonly modules: readonly string[];
  /** The kernel's name of the serial console, e.g. `ttyS0`. */
  readonly console: string;
  /** Whether the monitor starts a machine anew that resets itself; then its first process turns the power off. */
  readonly restarts?: boolean;
}

/**
 * Silent, so that the first byte on the console is the workload's; the end of the first process is a panic, which resets
 * at once, on x86-64 by a triple fault (Linux Documentation/admin-guide/kernel-parameters.txt).
 */
const PARAMETERS = "quiet loglevel=0 panic=-1 reboot=t";
/** The kernel gives parameters that it does not know to the first process as its environment. */
const ADDRESS_VARIABLE = "SKIFF_IPV4";
export const ADDRESS_PLACE = "<address>";
/** COMMAND_LINE_SIZE of the architectures at hand. */
const APPEND_BYTES_MAX = 2047;
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/**
 * Makes a guest of a program. A kit program without a network is the first process itself; others get one that loads the
 * drivers, mounts /proc and /dev, and then becomes them.
 * @throws SampleError where a part is missing.
 */
export function makeLinuxGuest(program: Program, parts: GuestParts, folder: string): LinuxGuest {
  const root = makeRootFolder(program, join(folder, "root"));
  const isBare =
    parts.restarts !== true &&
    program.kind === "kit" &&
    program.port === undefined &&
    root.words.every((word) => PLAIN_WORD.test(word));
  const first = isBare ? root.words : addFirstProcess(root, parts, program.port !== undefined);
  const address = program.port === undefined ? [] : [`${ADDRESS_VARIABLE}=${ADDRESS_PLACE}`];
  const [path = "", ...args] = first;
  const append = [`console=${parts.console}`, PARAMETERS, ...address, `rdinit=${path}`, "--", ...args].join(" ");
  if (append.length > APPEND_BYTES_MAX)
    throw new SampleError(`${program.name} has too many words for a kernel's command line`);
  const archive = initramfsOf(root.path);
  const initramfs = join(folder, "initramfs.cpio");
  writeFileSync(initramfs, archive);
  return { kernel: parts.kernel.path, initramfs, initramfsBytes: archive.length, append };
}

function addFirstProcess(root: RootFolder, parts: GuestParts, hasNetwork: boolean): readonly string[] {
  for (const folder of ["bin", "modules"]) mkdirSync(join(root.path, folder), { recursive: true });
  copyFileSync(parts.busybox, join(root.path, "bin/busybox"));
  const modules = hasNetwork ? modulesInOrder(parts.kernel, parts.modules) : [];
  const inside = modules.map((path) => {
    const name = `/modules/${basename(path).replace(/\.(xz|gz|zst)$/, "")}`;
    writeFileSync(join(root.path, name), readModule(path));
    return name;
  });
  const script = firstProcess(root, inside, hasNetwork, parts.restarts);
  writeFileSync(join(root.path, "first"), script, { mode: 0o755 });
  return ["/first"];
}

/** A script of the guest's first process. */
export function firstProcess(
  root: RootFolder,
  modules: readonly string[],
  hasNetwork: boolean,
  restarts = false,
): string {
  const network = [
    ...modules.map((path) => `$busybox insmod ${path}`),
    "$busybox ip link set lo up",
    `$busybox ip address add "$${ADDRESS_VARIABLE}" dev eth0`,
    "$busybox ip link set eth0 up",
  ];
  const environment = Object.entries(root.environment).map(([name, value]) => `export ${name}=${quote(value)}`);
  return [
    "#!/bin/busybox sh",
    "busybox=/bin/busybox",
    "$busybox mount -t proc proc /proc",
    "$busybox mount -t devtmpfs devtmpfs /dev",
    ...(hasNetwork ? network : []),
    ...environment,
    `${restarts ? "" : "exec "}${root.words.map(quote).join(" ")}`,
    ...(restarts ? ["$busybox poweroff -f"] : []),
    "",
  ].join("\n");
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
