import type { Ending, NotRun } from "../lab/manifest.ts";
import type { Observer, Progress } from "../lab/observer.ts";
import type { Sample } from "../lab/sample.ts";

/** Where progress is written; standard error, so that standard output has the report alone. */
export interface Screen {
  readonly write: (text: string) => void;
  /** Columns of a terminal; undefined elsewhere. */
  readonly columns: number | undefined;
}

const CLEAR_LINE = "\r\u001b[K";
/** Without a terminal a line comes at most so often. */
const LINE_EVERY_MS = 10_000;

/** On a terminal one line that is written again and again; elsewhere a plain line now and then. */
export class ProgressDisplay implements Observer {
  readonly #screen: Screen;
  readonly #now: () => number;
  #lastLineMs = Number.NEGATIVE_INFINITY;
  #hasStatus = false;

  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
  }

  /** Without the mend, which the report tells. */
  notRun({ target, targetTitle, workload, reason }: NotRun): void {
    const what = [workload, targetTitle ?? target].filter((word) => word !== null).join(" on ");
    this.#line(`not run: ${what}: ${reason}`);
  }

  trying(workload: string, target: string): void {
    this.#status(`trying ${workload} on ${target}`);
  }

  begins(progress: Progress): void {
    this.#line(describe(progress));
  }

  sampled({ workload, target, block, failure }: Sample, progress: Progress): void {
    if (failure !== null) this.#line(`${workload} on ${target}, block ${block + 1}: ${failure}`);
    this.#status(`${describe(progress)}: ${workload}, block ${block + 1}`);
  }

  settled(workload: string, blocks: number): void {
    this.#line(`${workload}: done after ${blocks} blocks`);
  }

  ended(why: Ending): void {
    this.#line(ENDINGS[why]);
  }

  /** A signal came before the first block. */
  endedEarly(): void {
    this.#line("interrupted before the first block: nothing was measured, and nothing is left");
  }

  /** Takes the status line away, before something else is written. */
  close(): void {
    if (this.#hasStatus) this.#screen.write(CLEAR_LINE);
    this.#hasStatus = false;
  }

  #status(text: string): void {
    const { columns } = this.#screen;
    if (columns !== undefined) {
      this.#screen.write(`${CLEAR_LINE}${text.slice(0, columns - 1)}`);
      this.#hasStatus = true;
    } else if (this.#now() - this.#lastLineMs >= LINE_EVERY_MS) this.#line(text);
  }

  #line(text: string): void {
    this.close();
    this.#screen.write(`${text}\n`);
    this.#lastLineMs = this.#now();
  }
}

const ENDINGS: Readonly<Record<Ending, string>> = {
  settled: "everything is measured",
  budget: "the budget is spent",
  interrupted: "interrupted: the report has what is there; the same command with this --output goes on",
};

function describe({ done, left, leftMs }: Progress): string {
  return `${done} of ${done + left} samples, ${duration(leftMs)} left at most`;
}

/** e.g. `45 s`, `3 min 5 s`, `1 h 12 min`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
