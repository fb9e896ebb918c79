import { setTimeout } from "node:timers/promises";
import { HostError } from "../host/error.ts";
import { SampleClient } from "./client.ts";
import { checkCores } from "./cores.ts";
import type { Instance } from "./instance/instance.ts";
import { SampleError } from "./lack.ts";
import type { Meter } from "./meter.ts";
import type { Link, NetworkPath } from "./network.ts";
import type { Program } from "./program.ts";
import type { Sample } from "./sample.ts";
import type { Launcher } from "./target/target.ts";
import type { Workbench } from "./workbench.ts";
import type { Scale, Started, Taking, Values, Workload } from "./workload/workload.ts";

/** A target that is ready to run a workload's program. */
export interface Row {
  readonly workload: Workload;
  /** The target's name. */
  readonly target: string;
  readonly program: Program;
  readonly launcher: Launcher;
  /** Undefined for a workload without network. */
  readonly path: NetworkPath | undefined;
}

/** What a sample is without its place in the run. */
export type Taken = Omit<Sample, "workload" | "block" | "attempt" | "turn" | "target" | "again">;

export interface TakingOptions {
  readonly bench: Workbench;
  readonly meter: Meter;
  readonly scale: Scale;
  /** Longest time until the sample has to be there; stopping comes on top. */
  readonly limitMs: number;
  /** Ends the sample at once. */
  readonly signal: AbortSignal;
  /** A clock in milliseconds; the process's own unless given. */
  readonly now?: () => number;
}

/** How long a workload that does not mind the limit itself may overrun it. */
const OVERRUN_MS = 1_000;
/** Instances that live that long have their cores checked while they run. */
const CHECK_AFTER_MS = 30;

/**
 * Takes one sample on fresh instances, and stops them.
 * @throws the signal's reason where that ends it; whatever is neither `SampleError` nor `HostError` is a defect.
 */
export async function takeSample(row: Row, options: TakingOptions): Promise<Taken> {
  const { bench, meter, limitMs, signal, now = () => performance.now() } = options;
  signal.throwIfAborted();
  const at = new Date().toISOString();
  const startedMs = now();
  const instances = new Instances(row, bench);
  const leftMs = () => {
    const left = startedMs + limitMs - now();
    if (left <= 0) throw new SampleError(`took longer than ${limitMs / 1000} s`);
    return left;
  };
  const client = new SampleClient(bench, leftMs);
  const notes: string[] = [];
  const taking: Taking = {
    scale: options.scale,
    bench,
    program: row.program,
    start: (cores = 1) => instances.start(cores),
    client,
    leftMs,
    note: (line) => notes.push(line),
  };
  const metering = meter.begin(coresInUse(row, bench));
  const outcome = await settle(async () => {
    const values = await within(row.workload.sample(taking), limitMs, signal);
    instances.check();
    return checkValues(row.workload, values, notes);
  });
  const { conditions, signals } = metering.end(client.share);
  const stopped = await settle(() => instances.stop());
  signal.throwIfAborted();
  const failure = outcome.failure ?? stopped.failure;
  const values = failure === null ? (outcome.value ?? null) : null;
  const tookMs = Math.round(now() - startedMs);
  const clients = client.commandLines;
  return { at, tookMs, path: row.path ?? null, values, failure, notes, clients, signals, conditions };
}

function coresInUse({ workload }: Row, { cores }: Workbench): number[] {
  return workload.network ? [...cores.servers.slice(0, 1), ...cores.clients] : cores.servers.slice(0, 1);
}

interface Outcome<Value> {
  readonly value?: Value;
  /** One line; null where there was none. */
  readonly failure: string | null;
}

async function settle<Value>(action: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await action(), failure: null };
  } catch (error) {
    if (error instanceof SampleError || error instanceof HostError) return { failure: oneLine(error.message) };
    if (error instanceof Aborted) return { failure: "interrupted" };
    throw error;
  }
}

const LINE_MAX = 300;

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= LINE_MAX ? line : `${line.slice(0, LINE_MAX)}…`;
}

class Aborted extends Error {
  override readonly name = "Aborted";
}

/** Waits for the work, but not beyond the signal, and not much longer than the limit, which the work should mind itself. */
async function within<Value>(work: Promise<Value>, limitMs: number, signal: AbortSignal): Promise<Value> {
  const over = new AbortController();
  const limit = setTimeout(limitMs + OVERRUN_MS, undefined, { signal: AbortSignal.any([over.signal, signal]) }).then(
    () => {
      throw new SampleError(`took longer than ${limitMs / 1000} s`);
    },
    () => {
      throw new Aborted("ended from outside");
    },
  );
  // Work that is left behind fails once its instances are stopped: nobody waits for that.
  work.catch(() => {});
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
    limit.catch(() => {});
  }
}

function checkValues(workload: Workload, values: Values, notes: readonly string[]): Values {
  for (const { name } of workload.metrics) {
    const value = values[name];
    if (value === undefined ? notes.length === 0 : !Number.isFinite(value)) {
      throw new SampleError(`${workload.name} gave no number for ${name}`);
    }
  }
  return values;
}

interface Pinned {
  readonly instance: Instance;
  readonly cores: readonly number[];
}

/** The instances of one sample, with their links. */
class Instances {
  readonly #row: Row;
  readonly #bench: Workbench;
  readonly #started: Pinned[] = [];
  readonly #links: Link[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #stray: string | undefined;
  #isOver = false;

  constructor(row: Row, bench: Workbench) {
    this.#row = row;
    this.#bench = bench;
  }

  async start(count: number): Promise<Started> {
    const { launcher, path } = this.#row;
    const cores = this.#bench.cores.servers.slice(0, count);
    if (cores.length < count) throw new SampleError(`there are ${cores.length} cores for servers, asked for ${count}`);
    const link = path === undefined ? undefined : this.#bench.network?.connect(path);
    if (link !== undefined) this.#links.push(link);
    const instance = await launcher.start({ cores, ...(link === undefined ? {} : { link }) });
    const pinned = { instance, cores };
    this.#started.push(pinned);
    // A start that was overtaken by its time limit.
    if (this.#isOver) await this.stop();
    this.#timers.push(globalThis.setTimeout(() => this.#look([pinned]), CHECK_AFTER_MS).unref());
    return { instance, imageBytes: launcher.imageBytes, link };
  }

  /** Throws where an instance was seen outside of its cores. */
  check(): void {
    this.#look(this.#started);
    if (this.#stray !== undefined) throw new SampleError(this.#stray);
  }

  #look(instances: readonly Pinned[]): void {
    for (const { instance, cores } of instances) this.#stray ??= checkCores(instance.pids(), cores)?.reason;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const stopped = await Promise.allSettled(this.#started.map(({ instance }) => instance.stop()));
    for (const link of this.#links.splice(0)) this.#bench.network?.disconnect(link);
    const failed = stopped.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}
