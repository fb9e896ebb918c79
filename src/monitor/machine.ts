import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import { closeSync } from "node:fs";
import type { Image } from "../format/image.ts";
import { HostError } from "../host/error.ts";
import { executableMemfd } from "../host/replace-process.ts";
import type { BlockOptions, NetOptions } from "./device-options.ts";
import { chooseEngine } from "./engine-choice.ts";
import { UsageError } from "./error.ts";
import { matchDevices } from "./match-devices.ts";
import { type OpenDevice, openDevices } from "./open-devices.ts";
import { executableForThisHost, MEMORY_MIB_DEFAULT } from "./process-machine.ts";

/** What a machine is made of. */
export interface MachineOptions {
  /** A checked image (`parseImage`). */
  readonly image: Image;
  /** Words of the guest's command line; joined by spaces, at most 8191 bytes. */
  readonly args?: readonly string[];
  /** Memory of the guest in MiB; 512 unless given. */
  readonly memoryMib?: number;
  /** Net devices by their names in the manifest. */
  readonly net?: Readonly<Record<string, NetOptions>>;
  /** Block devices by their names in the manifest. */
  readonly block?: Readonly<Record<string, BlockOptions>>;
  /** Name of the process, of which Linux keeps 15 bytes; `guest` unless given. */
  readonly name?: string;
}

/** How a guest ended: by a status of its own, or by a signal (SIGSEGV: memory protection, SIGSYS: forbidden call). */
export type ExitStatus =
  | { readonly status: number; readonly signal: undefined }
  | { readonly status: undefined; readonly signal: NodeJS.Signals };

/** Events of a machine. */
export interface MachineEvents {
  /** What the guest wrote to its console. */
  console: [bytes: Uint8Array];
  /** What came on standard error: the line with which the start was refused. */
  diagnostic: [text: string];
  /** The guest ended, and all it wrote has been given. */
  exit: [ExitStatus];
}

/** Descriptors 0 to 2 are the guest's standard ones; its devices follow. */
const FIRST_DEVICE_DESCRIPTOR = 3;

/**
 * A guest of the `spt` ABI that runs as a child process: the image *is* the child's program, and nothing of Node is in it.
 *
 * ```ts
 * const machine = Machine.start({ image: parseImage(readFileSync("hello.spt")), args: ["Hello"] });
 * machine.on("console", (bytes) => process.stdout.write(bytes));
 * const { status } = await machine.exited;
 * ```
 */
export class Machine extends EventEmitter<MachineEvents> {
  /** Resolves once the guest has ended; rejects where it could not be started. */
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, name: string) {
    super();
    this.#child = child;
    child.stdout?.on("data", (bytes: Uint8Array) => this.emit("console", bytes));
    child.stderr?.on("data", (bytes: Uint8Array) => this.emit("diagnostic", bytes.toString()));
    this.exited = new Promise((resolve, reject) => {
      child.once("error", (error) => reject(spawnRefusal(error, name)));
      child.once("close", (status, signal) => {
        const exit: ExitStatus =
          signal === null ? { status: status ?? 0, signal: undefined } : { status: undefined, signal };
        resolve(exit);
        this.emit("exit", exit);
      });
    });
  }

  /**
   * Starts a guest.
   * @throws UsageError where options and image do not fit, `ImageError` where the host's pages do not fit the image,
   *   `HostError` where the host refuses.
   */
  static start(options: MachineOptions): Machine {
    const { image, args = [], memoryMib = MEMORY_MIB_DEFAULT, net = {}, block = {}, name = "guest" } = options;
    checkOptions(args, memoryMib, name);
    if (chooseEngine(image).engine !== "process") {
      throw new UsageError(`the image is for the ${image.abi} ABI, a child process runs the spt ABI; link it for spt`);
    }
    const matched = matchDevices(image, {
      net: new Map(Object.entries(net)),
      block: new Map(Object.entries(block)),
    });
    const { devices, close } = openDevices(matched);
    let executable: number | undefined;
    try {
      executable = executableMemfd(
        name,
        executableForThisHost({ image, memoryMib, devices: asInChild(devices), name, speaker: name }),
      );
      const stdio: StdioOptions = ["ignore", "pipe", "pipe", ...devices.map((device) => device.descriptor)];
      // By way of this process' descriptor: the child's own numbers are taken by its devices.
      const child = spawn(`/proc/${process.pid}/fd/${executable}`, [...args], { argv0: name, env: {}, stdio });
      return new Machine(child, name);
    } catch (error) {
      throw spawnRefusal(error, name);
    } finally {
      if (executable !== undefined) closeSync(executable);
      close();
    }
  }

  /** Process id of the guest; undefined where it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the guest with SIGKILL and waits until it has ended. */
  stop(): Promise<ExitStatus> {
    this.#child.kill("SIGKILL");
    return this.exited;
  }
}

/** What Node says of a child that the host refused, e.g. E2BIG for its arguments, in Skiff's own class. */
function spawnRefusal(error: unknown, name: string): unknown {
  const fromSpawn = error instanceof Error && "syscall" in error && String(error.syscall).startsWith("spawn");
  return fromSpawn && "errno" in error ? new HostError("spawn", -Number(error.errno), name) : error;
}

function asInChild(devices: readonly OpenDevice[]): OpenDevice[] {
  return devices.map((device, index) => ({ ...device, descriptor: FIRST_DEVICE_DESCRIPTOR + index }));
}

/** What the command line cannot be given, but a program can. */
function checkOptions(args: readonly string[], memoryMib: number, name: string): void {
  if (!Number.isInteger(memoryMib) || memoryMib < 1) {
    throw new UsageError(`memoryMib: ${memoryMib} is no whole number of MiB; give one, e.g. 64`);
  }
  if (args.some((word) => word.includes("\0"))) {
    throw new UsageError("args: a word of a command line cannot hold a zero byte");
  }
  if (name.includes("\0")) throw new UsageError("name: a process' name cannot hold a zero byte");
}
