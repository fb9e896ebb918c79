import { afterAll } from "vitest";
import { type Running, start } from "../support/command.ts";

const FIRST_PORT = 10_000;
const PORTS = 20_000;
const ATTEMPTS = 20;

let opened = 0;

/** A port below those that Linux gives out by itself; another one with each call. */
export function nextPort(): number {
  return FIRST_PORT + ((process.pid * 37 + opened++) % PORTS);
}

const left = new Map<Running, NodeJS.Signals>();

function endAll(): void {
  for (const [running, signal] of left) running.kill(signal);
}

/**
 * Ends a program with the tests of the file, wherever in them it was started. (A hook that a test sets up is not called:
 * the one below is set up by the import.)
 */
export function endWithTests(running: Running, signal: NodeJS.Signals = "SIGKILL"): void {
  left.set(running, signal);
  running.ended.finally(() => left.delete(running)).catch(() => undefined);
}

afterAll(async () => {
  endAll();
  await Promise.all([...left.keys()].map(({ ended }) => ended));
});
process.on("exit", endAll);

export interface RunningServer {
  readonly port: number;
  readonly running: Running;
}

/** Starts a server on a free port, which it must print; it ends with the tests of the file. */
export async function startServer(path: string, words: readonly string[] = []): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    const port = nextPort();
    const running = start(path, [...words, `--port=${port}`]);
    endWithTests(running);
    try {
      await running.printed(new RegExp(` on port ${port}\n`));
    } catch (error) {
      const { stdout } = await running.ended;
      if (attempt < ATTEMPTS && /cannot be listened on/.test(stdout)) continue;
      throw error;
    }
    return { port, running };
  }
}
