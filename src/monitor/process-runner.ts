import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Image } from "../format/image.ts";
import { HostError } from "../host/error.ts";
import { executableMemfd } from "../host/replace-process.ts";
import type { MatchedDevice } from "./match-devices.ts";
import { type OpenDevice, openDevices } from "./open-devices.ts";
import { executableForThisHost } from "./process-machine.ts";
import type { Runner, RunnerEvents } from "./runner.ts";

/** Descriptors 0 to 2 are the guest's standard ones; its devices follow. */
const FIRST_DEVICE_DESCRIPTOR = 3;

export interface ProcessRunnerOptions {
  readonly image: Image;
  readonly args: readonly string[];
  readonly memoryMib: number;
  readonly matched: readonly MatchedDevice[];
  readonly name: string;
}

/** Runs a guest as a child process: the image *is* the child's program, and nothing of Node is in it. */
export class ProcessRunner implements Runner {
  readonly #options: ProcessRunnerOptions;
  readonly #events: RunnerEvents;
  readonly #executable: number;
  readonly #descriptors: readonly number[];
  readonly #closeDevices: () => void;
  #child: ChildProcess | undefined;
  #isReleased = false;

  /** Opens the devices and makes the executable; nothing stays where one of both is refused. */
  constructor(options: ProcessRunnerOptions, events: RunnerEvents) {
    this.#options = options;
    this.#events = events;
    const { image, memoryMib, matched, name } = options;
    const { devices, close } = openDevices(matched);
    try {
      const executable = executableForThisHost({ image, memoryMib, devices: asInChild(devices), name, speaker: name });
      this.#executable = executableMemfd(name, executable);
    } catch (error) {
      close();
      throw error;
    }
    this.#closeDevices = close;
    this.#descriptors = devices.map((device) => device.descriptor);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws {HostError} where the host refuses at once. */
  start(): void {
    const { args, name } = this.#options;
    const stdio: StdioOptions = ["ignore", "pipe", "pipe", ...this.#descriptors];
    // By way of this process' descriptor: the child's own numbers are taken by its devices.
    const path = `/proc/${process.pid}/fd/${this.#executable}`;
    try {
      this.#child = spawn(path, [...args], { argv0: name, env: {}, stdio });
    } catch (error) {
      throw spawnRefusal(error, name);
    } finally {
      this.#release();
    }
    this.#listen(this.#child);
  }

  stop(): void {
    if (this.#child !== undefined) {
      this.#child.kill("SIGKILL");
      return;
    }
    if (this.#isReleased) return;
    this.#release();
    process.nextTick(() => this.#events.exit({ status: undefined, signal: "SIGKILL" }));
  }

  #listen(child: ChildProcess): void {
    const { console, diagnostic, exit, failed } = this.#events;
    child.stdout?.on("data", console);
    child.stderr?.on("data", (bytes: Uint8Array) => diagnostic(bytes.toString()));
    child.once("error", (error) => failed(spawnRefusal(error, this.#options.name)));
    child.once("close", (status, signal) => {
      exit(signal === null ? { status: status ?? 0, signal: undefined } : { status: undefined, signal });
    });
  }

  #release(): void {
    this.#isReleased = true;
    closeSync(this.#executable);
    this.#closeDevices();
  }
}

/** What Node says of a child that the host refused, e.g. E2BIG for its arguments, in Skiff's own class. */
function spawnRefusal(error: unknown, name: string): Error {
  const fromSpawn = error instanceof Error && "syscall" in error && String(error.syscall).startsWith("spawn");
  if (fromSpawn && "errno" in error) return new HostError("spawn", -Number(error.errno), name);
  return error instanceof Error ? error : new Error(String(error));
}

function asInChild(devices: readonly OpenDevice[]): OpenDevice[] {
  return devices.map((device, index) => ({ ...device, descriptor: FIRST_DEVICE_DESCRIPTOR + index }));
}
