import { closeSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";
import { HostError } from "../../host/error.ts";
import { type Launched, launch, peekEnd, pollReadable, reapOfGroup } from "../../host/launch.ffi.ts";
import { SampleError } from "../lack.ts";
import type { Guard, Workbench } from "../workbench.ts";
import { describeExit, type Ended, type Instance } from "./instance.ts";
import { OutputPipe } from "./output-pipe.ts";
import { familyOf, freeze, isThere, killIfThere, type ProcessIdentity } from "./process-tree.ts";

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
  /** `apart` where what it writes to standard error is not the workload's: then that is no first output. Else `joined`. */
  readonly errors?: "joined" | "apart";
  /**
   * `NAME=VALUE` of `environment`, no other instance's, that its processes hand on; by it those are found that left its
   * session and lost their parent. Not given: a variable of the lab's own.
   */
  readonly mark?: string;
  /** What else is to be undone once its processes have been killed; called once. */
  readonly cleanUp?: () => Promise<void>;
}

/** The lab's event loop goes on at least this often while it waits for an instance. */
const SLICE_MS = 20;
const DRAIN_MS = 100;
const STOP_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 1;
/** What an instance's processes inherit, so that those that leave its session and lose their parent are found. */
const MARK_VARIABLE = "SKIFF_INSTANCE";
/** Of the mark $1. */
const KILL_MARKED = 'grep -lsz "^$1\\$" /proc/[0-9]*/environ | cut -d / -f 3 | xargs -r kill -s KILL';
/** Of the mark $1 and of the group $2. */
const KILL_ALL = `kill -s KILL -- "-$2"
${KILL_MARKED}`;

let launchedCount = 0;

/**
 * Starts a command as an instance. It gets a session of its own: the terminal's Ctrl-C does not reach it. `stop` kills its
 * process group and all its descendants, in whatever sessions; so does the watchdog where the lab itself is killed.
 * @throws SampleError where it cannot be executed.
 */
export function launchInstance(command: InstanceCommand, bench: Pick<Workbench, "guard">): Instance {
  const { path, args, descriptors = [], cores, errors = "joined" } = command;
  const value = `${process.pid}-${launchedCount++}`;
  const environment = { ...command.environment, [MARK_VARIABLE]: value };
  const ownMark = `${MARK_VARIABLE}=${value}`;
  const { mark = ownMark } = command;
  // Before there is a process to be named: the lab may be killed in the midst of this.
  const early = bench.guard(["sh", "-c", KILL_MARKED, "sh", ownMark]);
  try {
    const launched = launch({ path, args, environment, descriptors, cores, errors });
    const guard = bench.guard(["sh", "-c", KILL_ALL, "sh", mark, String(launched.pid)]);
    return new CommandInstance(command, launched, mark, [early, guard]);
  } catch (error) {
    early.release();
    if (error instanceof HostError) throw new SampleError(error.message, { cause: error });
    throw error;
  }
}

class CommandInstance implements Instance {
  readonly startedNs: bigint;
  readonly #command: InstanceCommand;
  readonly #launched: Launched;
  readonly #mark: string;
  readonly #guards: readonly Guard[];
  readonly #pipe: OutputPipe;
  /** Standard error, where it is apart. */
  readonly #errors: OutputPipe | undefined;
  /** Empties the pipe of an instance that nobody waits for, before it is full. */
  readonly #drain: NodeJS.Timeout;
  #ended: Ended | undefined;
  #stopping: Promise<void> | undefined;

  constructor(command: InstanceCommand, launched: Launched, mark: string, guards: readonly Guard[]) {
    const { startedNs, outputs } = launched;
    const [output = -1, errors] = outputs;
    this.#command = command;
    this.#launched = launched;
    this.#mark = mark;
    this.#guards = guards;
    this.startedNs = startedNs;
    this.#pipe = new OutputPipe(output);
    this.#errors = errors === undefined ? undefined : new OutputPipe(errors);
    this.#drain = setInterval(() => this.#take(), DRAIN_MS).unref();
  }

  async firstOutput(limitMs: number): Promise<bigint> {
    const said = await this.#waitFor(() => this.#pipe.firstByteNs !== undefined || this.#ended !== undefined, limitMs);
    if (this.#pipe.firstByteNs !== undefined) return this.#pipe.firstByteNs;
    if (!said) throw new SampleError(`said nothing within ${Math.round(limitMs)} ms`);
    const how = this.#ended === undefined ? "ended" : describeExit(this.#ended.exit);
    const errors = this.#errors?.text.trim() ?? "";
    throw new SampleError(errors === "" ? `${how} without a word` : `${how}: ${errors}`);
  }

  async exited(limitMs: number): Promise<Ended> {
    await this.#waitFor(() => this.#ended !== undefined, limitMs);
    if (this.#ended === undefined) throw new SampleError(`did not end within ${Math.round(limitMs)} ms`);
    return this.#ended;
  }

  output(): string {
    this.#take();
    return this.#pipe.text + (this.#errors?.text ?? "");
  }

  pids(): readonly number[] {
    return this.#stopping === undefined ? familyOf(this.#launched.pid, this.#mark) : [];
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { pid, pidfd } = this.#launched;
    clearInterval(this.#drain);
    // Their numbers are theirs until they are reaped, so that no other process can be hit.
    const family = freeze(() => familyOf(pid, this.#mark));
    for (const member of family) killIfThere(member.pid);
    killIfThere(-pid);
    const endMs = performance.now() + STOP_LIMIT_MS;
    while (!this.#reap(family) && performance.now() < endMs) await setTimeout(LOOK_AGAIN_MS);
    const left = family.find(isThere);
    this.#pipe.close();
    this.#errors?.close();
    closeSync(pidfd);
    await this.#command.cleanUp?.();
    if (left !== undefined) throw new SampleError(`process ${left.pid} does not end by SIGKILL`);
    for (const guard of this.#guards) guard.release();
  }

  /** Whether all are gone; orphans among them are this process's children by now, or will be. */
  #reap(family: readonly ProcessIdentity[]): boolean {
    const groups = new Set([this.#launched.pid, ...family.map(({ group }) => group)]);
    const states = [...groups].map(reapAll);
    return states.every((state) => state === "gone") && !family.some(isThere);
  }

  #take(): void {
    this.#pipe.take();
    this.#errors?.take();
  }

  /** Waits until the condition holds; false where the limit passes before. */
  async #waitFor(condition: () => boolean, limitMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      this.#take();
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
    this.#take();
  }
}

function reapAll(group: number): "running" | "gone" {
  for (;;) {
    const reaped = reapOfGroup(group);
    if (typeof reaped === "string") return reaped;
  }
}
