import { type SpawnOptions, spawn, spawnSync } from "node:child_process";

const TIME_LIMIT_MS = 30_000;

/** How a program ended: its status, or the name of the signal that ended it. */
export interface Ended {
  readonly end: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Descriptors that the program finds open from 3 on. */
  readonly descriptors?: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

/** Runs a program to its end; without standard input. */
export function run(program: string, args: readonly string[] = [], options: CommandOptions = {}): Ended {
  const { descriptors = [], environment, folder } = options;
  const result = spawnSync(program, args, {
    stdio: ["ignore", "pipe", "pipe", ...descriptors],
    encoding: "utf8",
    timeout: TIME_LIMIT_MS,
    killSignal: "SIGKILL",
    maxBuffer: 64 << 20,
    ...(environment === undefined ? {} : { env: { ...environment } }),
    ...(folder === undefined ? {} : { cwd: folder }),
  });
  if (result.error !== undefined) throw result.error;
  return { end: result.status ?? result.signal ?? "", stdout: result.stdout, stderr: result.stderr };
}

/** Runs lines of a shell, whose `$0`, `$1`, … are `words`. */
export function shell(script: string, words: readonly string[] = [], options: CommandOptions = {}): Ended {
  return run("bash", ["-c", script, ...words], options);
}

/** Runs a program that must succeed, and gives its output. */
export function succeed(program: string, ...args: readonly string[]): string {
  const ended = run(program, args);
  if (ended.end !== 0) throw new Error(`${program} ${args.join(" ")}: ${ended.end}, ${ended.stderr}`);
  return ended.stdout;
}

/** A program that goes on while a test looks at it. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves once the program's output so far matches; rejects where it ends without. */
  readonly printed: (pattern: RegExp) => Promise<string>;
  /** The same of its standard error. */
  readonly complained: (pattern: RegExp) => Promise<string>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export function start(program: string, args: readonly string[], options: SpawnOptions = {}): Running {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let stdout = "";
  let stderr = "";
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ end: status ?? signal ?? "", stdout, stderr }));
  });
  child.stdout?.on("data", (bytes: Uint8Array) => {
    stdout += bytes;
    child.emit("printed");
  });
  child.stderr?.on("data", (bytes: Uint8Array) => {
    stderr += bytes;
    child.emit("printed");
  });
  const written = (output: () => string) => (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(output())) return;
        child.off("printed", look);
        resolve(output());
      };
      child.on("printed", look);
      look();
      ended.then(
        ({ end }) => reject(new Error(`${program} ended (${end}) without ${pattern}: ${stdout}${stderr}`)),
        reject,
      );
    });
  if (child.pid === undefined) throw new Error(`${program} cannot be started`);
  const printed = written(() => stdout);
  const complained = written(() => stderr);
  return { pid: child.pid, ended, printed, complained, kill: (signal) => child.kill(signal) };
}
