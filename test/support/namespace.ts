import { afterAll, beforeAll } from "vitest";
import { type Ended, run } from "./command.ts";
import { inNetworkNamespace } from "./namespace.ffi.ts";

let named = 0;

/** A network namespace of the test's own; root makes it. */
export interface Namespace {
  /** As `ip netns` knows it. */
  readonly name: string;
  /**
   * Calls `action` in the namespace: what it opens belongs there, and so do the processes that it starts. Where it gives
   * a promise, that holds up to its first wait.
   */
  readonly inside: <Result>(action: () => Result) => Result;
  /** Runs a program there, to its end. */
  readonly run: (program: string, ...args: readonly string[]) => Ended;
  /** `ip` with these words; throws where it fails. */
  readonly ip: (words: string) => string;
  /** Makes a tap that is up, with an address for this side where one is given. */
  readonly addTap: (name: string, address?: string) => void;
  /** Removes it with its interfaces; processes in it must have ended. */
  readonly remove: () => void;
}

/** Makes a network namespace with its loopback up; whoever makes it removes it. */
export function makeNamespace(): Namespace {
  const namespace = nextNamespace();
  create(namespace);
  return namespace;
}

/** A namespace that is there while the tests of a file or of a `describe` run. */
export function namespaceOfTests(): Namespace {
  const namespace = nextNamespace();
  beforeAll(() => create(namespace));
  afterAll(() => namespace.remove());
  return namespace;
}

function create({ name, ip }: Namespace): void {
  must(`netns add ${name}`, run("ip", ["netns", "add", name]));
  ip("link set lo up");
}

function nextNamespace(): Namespace {
  const name = `skiff-test-${process.pid}-${named++}`;
  const inside = <Result>(action: () => Result) => inNetworkNamespace(`/run/netns/${name}`, action);
  const runInside = (program: string, ...args: readonly string[]) => inside(() => run(program, args));
  const ip = (words: string) => must(words, runInside("ip", ...words.split(" ")));
  return {
    name,
    inside,
    run: runInside,
    ip,
    addTap: (tap, address) => {
      ip(`tuntap add ${tap} mode tap`);
      if (address !== undefined) ip(`address add ${address} dev ${tap}`);
      ip(`link set ${tap} up`);
    },
    remove: () => void must(`netns delete ${name}`, run("ip", ["netns", "delete", name])),
  };
}

function must(words: string, { end, stdout, stderr }: Ended): string {
  if (end !== 0) throw new Error(`ip ${words}: ${stderr.trim()}`);
  return stdout;
}
