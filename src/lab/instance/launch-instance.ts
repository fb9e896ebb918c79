import { closeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { HostError } from "../../host/error.ts";
import { type Launched, launch, peekEnd, pollReadable, reapOfGroup } from "../../host/launch.ffi.ts";
import { SampleError } from "../lack.ts";
import type { Guard, Workbench } from "../workbench.ts";
import { describeExit, type Ended, type Instance } from "./instance.ts";
import { OutputPipe } from "./output-pipe.ts";
import { killIfThere, withDescendants } from "./process-tree.ts";

/** An instance that is a process tree under one command. */
export interface InstanceCommand {
  /** Absolute path of the executable. */
  readonly path: string;
  readonly args: readonly string[];
  /** Empty unless given. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Descriptors of this process that it finds at 3, 4, … */
  readonly descriptors?: readonly number[];
  readonly cores: readonly number[];
  /** The instance's processes where they are not the command and its descendants, e.g. a container behind a daemon. */
  readonly pids?: (command: number) => readonly number[];
  /** What else is to be undone once its processes have been killed; called once. */
  readonly cleanUp?: () => Promise<void>;
}

/** The lab's event loop goes on at least this often while it waits for an instance. */
const SLICE_MS = 20;
const DRAIN_MS = 100;
const STOP_LIMIT_MS = 10_000;

/**
 * Starts a command as an instance. It gets a session of its own: the terminal's Ctrl-C does not reach it. `stop` kills its
 * process group and all its descendants; so does the watchdog where the lab itself is killed.
 * @throws SampleError where it cannot be executed.
 */
export function launchInstance(command: InstanceCommand, bench: Pick<Workbench, "guard">): Instance {
  const { path, args, environment = {}, descriptors = [], cores } = command;
  try {
    const launched = launch({ path, args, environment, descriptors, cores, errors: "joined" });
    return new CommandInstance(command, launched, bench.guard(["kill", "-s", "KILL", "--", `-${launched.pid}`]));
  } catch (error) {
    if (error instanceof HostError) throw new SampleError(error.message, { cause: error });
    throw error;
  }
}

class CommandInstance implements Instance {
  readonly startedNs: bigint;
  readonly #command: InstanceCommand;
  readonly #launched: Launched;
  readonly #guard: Guard;
  readonly #pipe: OutputPipe;
  /** Empties the pipe of an instance that nobody waits for, before it is full. */
  readonly #drain: NodeJS.Timeout;
  #ended: Ended | undefined;
  #stopping: Promise<void> | undefined;

  constructor(command: InstanceCommand, launched: Launched, guard: Guard) {
    this.#command = command;
    this.#launched = launched;
    this.#guard = guard;
    this.startedNs = launched.startedNs;
    this.#pipe = new OutputPipe(launched.outputs[0] ?? -1);
    this.#drain = setInterval(() => this.#pipe.take(), DRAIN_MS).unref();
  }

  async firstOutput(limitMs: number): Promise<bigint> {
    const said = await this.#waitFor(() => this.#pipe.firstByteNs !== undefined || this.#ended !== undefined, limitMs);
    if (this.#pipe.firstByteNs !== undefined) return this.#pipe.firstByteNs;
    if (!said) throw new SampleError(`said nothing within ${Math.round(limitMs)} ms`);
    throw new SampleError(`${this.#ended === undefined ? "ended" : describeExit(this.#ended.exit)} without a word`);
  }

  async exited(limitMs: number): Promise<Ended> {
    await this.#waitFor(() => this.#ended !== undefined, limitMs);
    if (this.#ended === undefined) throw new SampleError(`did not end within ${Math.round(limitMs)} ms`);
    return this.#ended;
  }

  output(): string {
    this.#pipe.take();
    return this.#pipe.text;
  }

  pids(): readonly number[] {
    const { pids = withDescendants } = this.#command;
    return this.#stopping === undefined ? pids(this.#launched.pid) : [];
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { pid, pidfd } = this.#launched;
    clearInterval(this.#drain);
    // Its number is its own until it is reaped, so that no other process can be hit.
    for (const descendant of withDescendants(pid).slice(1)) killIfThere(descendant);
    killIfThere(-pid);
    const isGone = await this.#waitFor(() => this.#reap() === "gone", STOP_LIMIT_MS);
    this.#pipe.close();
    closeSync(pidfd);
    await this.#command.cleanUp?.();
    if (!isGone) throw new SampleError(`process ${pid} does not end by SIGKILL`);
    this.#guard.release();
  }

  #reap(): "running" | "gone" {
    for (;;) {
      const reaped = reapOfGroup(this.#launched.pid);
      if (typeof reaped === "string") return reaped;
    }
  }

  /** Waits until the condition holds; false where the limit passes before. */
  async #waitFor(condition: () => boolean, limitMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      this.#pipe.take();
      if (this.#stopping === undefined) this.#noticeEnd();
      if (condition()) return true;
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return false;
      // Blocking, so that the moment is not missed: no event loop lies between.
      pollReadable(this.#sources(), Math.min(SLICE_MS, leftMs));
      await setImmediate();
    }
  }

  /** What announces news. An ended process's pidfd, like a pipe at its end, would do so for good. */
  #sources(): number[] {
    const sources = this.#ended === undefined ? [this.#launched.pidfd] : [];
    return this.#pipe.open ? [...sources, this.#pipe.descriptor] : sources;
  }

  #noticeEnd(): void {
    if (this.#ended !== undefined) return;
    const exit = peekEnd(this.#launched.pid);
    if (exit === undefined) return;
    this.#ended = { exit, endedNs: process.hrtime.bigint() };
    this.#pipe.take();
  }
}
