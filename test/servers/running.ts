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

export interface RunningServer {
  readonly port: number;
  readonly running: Running;
}

/** Starts a server on a free port, which it must print; it ends with the tests of the file. */
export async function startServer(path: string, words: readonly string[] = []): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    const port = nextPort();
    const running = start(path, [...words, `--port=${port}`]);
    try {
      await running.printed(new RegExp(` on port ${port}\n`));
    } catch (error) {
      const { stdout } = await running.ended;
      if (attempt < ATTEMPTS && /cannot be listened on/.test(stdout)) continue;
      throw error;
    }
    endWithTests(running);
    return { port, running };
  }
}

/** Ends a program when the tests of the file have ended. */
export function endWithTests(running: Running): void {
  afterAll(() => {
    running.kill("SIGKILL");
    return running.ended;
  });
}
