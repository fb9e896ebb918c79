import { EventEmitter } from "node:events";
import type { Image } from "../format/image.ts";
import { type BlockOptions, MEMORY_MIB_DEFAULT, type NetOptions } from "./device-options.ts";
import { EMULATOR } from "./emulator-machine.ts";
import { chooseEngine, type EngineName, type EngineWord } from "./engine-choice.ts";
import { UsageError } from "./error.ts";
import { HostedRunner } from "./hosted-runner.ts";
import { KVM } from "./kvm-machine.ts";
import { matchDevices } from "./match-devices.ts";
import { ProcessRunner } from "./process-runner.ts";
import type { ExitStatus, Runner, RunnerEvents } from "./runner.ts";

export type { ExitStatus } from "./runner.ts";

const HOSTED = { kvm: KVM, emulator: EMULATOR } as const;

/** What a machine is made of. */
export interface MachineOptions {
  /** A checked image (`parseImage`). */
  readonly image: Image;
  /** What runs the guest; `auto`, unless given, takes the lightest engine that can run the image here. */
  readonly engine?: EngineWord;
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

/** Events of a machine. */
export interface MachineEvents {
  /** What the guest wrote to its console. */
  console: [bytes: Uint8Array];
  /** A line with which the start was refused, or of a guest in this process that could not go on. */
  diagnostic: [text: string];
  /** The guest ended, and all it wrote has been given. */
  exit: [ExitStatus];
}

/**
 * A guest on the engine that its image asks for. One of the `spt` ABI runs as a child process: the image *is* the child's
 * program, and nothing of Node is in it. One of the `hvt` ABI runs in this process, on KVM or in the emulator, in turns of
 * at most four milliseconds on its event loop, so that hundreds of idle ones fit into one process.
 *
 * ```ts
 * const machine = Machine.create({ image: parseImage(readFileSync("hello.hvt")), args: ["Hello"] });
 * machine.on("console", (bytes) => process.stdout.write(bytes));
 * machine.run();
 * const { status } = await machine.exited;
 * ```
 */
export class Machine extends EventEmitter<MachineEvents> {
  readonly engine: EngineName;
  /** Resolves once the guest has ended; rejects where it could not be started, or the host could not run it on. */
  readonly exited: Promise<ExitStatus>;
  readonly #runner: Runner;
  readonly #fail: (error: unknown) => void;
  #hasRun = false;

  private constructor(engine: EngineName, makeRunner: (events: RunnerEvents) => Runner) {
    super();
    this.engine = engine;
    const { promise, resolve, reject } = promiseParts<ExitStatus>();
    this.exited = promise;
    this.#fail = reject;
    this.#runner = makeRunner({
      console: (bytes) => this.emit("console", bytes),
      diagnostic: (text) => this.emit("diagnostic", text),
      exit: (exit) => {
        resolve(exit);
        this.emit("exit", exit);
      },
      failed: reject,
    });
  }

  /**
   * Makes a machine with its guest loaded and its devices open; `run` starts it, and `stop` gives all back.
   * @throws UsageError where options and image do not fit, `ImageError` where the host's pages do not fit the image,
   *   `HostError` where the host refuses.
   */
  static create(options: MachineOptions): Machine {
    const { image, args = [], memoryMib = MEMORY_MIB_DEFAULT, net = {}, block = {}, name = "guest" } = options;
    checkOptions(args, memoryMib, name);
    const { engine } = chooseEngine(image, options.engine);
    const matched = matchDevices(image, {
      net: new Map(Object.entries(net)),
      block: new Map(Object.entries(block)),
    });
    const common = { image, args, memoryMib, matched };
    return new Machine(engine, (events) =>
      engine === "process"
        ? new ProcessRunner({ ...common, name }, events)
        : new HostedRunner({ ...common, hosting: HOSTED[engine] }, events),
    );
  }

  /** Makes a machine and runs it. @throws as `create` and `run` do. */
  static start(options: MachineOptions): Machine {
    const machine = Machine.create(options);
    machine.run();
    return machine;
  }

  /** Starts the guest, once. @throws HostError where the host refuses. */
  run(): void {
    if (this.#hasRun) throw new UsageError("a machine runs once; make another one with Machine.create");
    this.#hasRun = true;
    try {
      this.#runner.start();
    } catch (error) {
      // Whoever called has the error; nobody need wait for the end of what never began.
      this.exited.catch(() => undefined);
      this.#fail(error);
      throw error;
    }
  }

  /** Process id of a guest that is a process; undefined where it was not started. */
  get pid(): number | undefined {
    return this.#runner.pid;
  }

  /** Ends the guest as by SIGKILL and waits until it has ended. */
  stop(): Promise<ExitStatus> {
    this.#hasRun = true;
    this.#runner.stop();
    return this.exited;
  }
}

/** As ES2024's `Promise.withResolvers`, which Node 20 has not. */
function promiseParts<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<Value>((resolveIt, rejectIt) => {
    resolve = resolveIt;
    reject = rejectIt;
  });
  return { promise, resolve, reject };
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
