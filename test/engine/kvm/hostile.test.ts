import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTap } from "../../../src/host/tap.ffi.ts";
import { readImageFile } from "../../../src/monitor/image-file.ts";
import { RingThread } from "../../../src/monitor/ring/thread.ts";
import { type Running, start } from "../../support/command.ts";
import { kitImagePath } from "../../support/guest.ts";
import { kvm } from "../../support/kvm.ts";
import { namespaceOfTests } from "../../support/namespace.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { ownDescriptors } from "../../support/process-state.ts";
import { SEED } from "../../support/random.ts";
import { sparseFile, temporaryFolder } from "../../support/temporary.ts";
import { type HostileEnd, runHostileGuest, STORAGE_BYTES } from "./hostile-guest.ts";

const CALLS = 1_000_000;
/** A guest without a ring makes its calls in two seconds or so, and leaves the event loop to others then. */
const CALLS_AT_ONCE = 20_000;
const GUESTS_WITH_RING = 400;
const LIMIT_MS = 600_000;

describeWith([kvm, root, program("ping", "iputils-ping")], `a hostile guest (seed ${SEED})`, () => {
  const network = namespaceOfTests();
  const path = sparseFile(join(temporaryFolder(), "storage"), STORAGE_BYTES);
  const thread = RingThread.start();
  let tap: number;
  let storage: number;
  let ping: Running;

  beforeAll(async () => {
    network.addTap("tap0", "10.0.0.1/24");
    network.ip("neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev tap0");
    const opened = network.inside(() => openTap("tap0"));
    if ("refusal" in opened) throw new Error(`tap0 is refused: ${opened.refusal}`);
    tap = opened.descriptor;
    storage = openSync(path, "r+");
    // So that there are frames to read.
    ping = network.inside(() => start("ping", ["-q", "-f", "-s", "1000", "10.0.0.2"]));
    await thread.settled;
  });

  afterAll(async () => {
    ping.kill("SIGINT");
    await ping.ended;
    closeSync(tap);
    closeSync(storage);
  });

  const attack = async (seed: number, calls: number, ring: boolean): Promise<HostileEnd> => {
    await setImmediate();
    return network.inside(() =>
      runHostileGuest({
        image: readImageFile(kitImagePath("fuzz", "hvt")),
        seed,
        calls,
        tap,
        storage: { path, descriptor: storage },
        ...(ring ? { thread } : {}),
      }),
    );
  };

  it(
    `makes ${CALLS} hypercalls, and reaches nothing but its memory and its devices`,
    async () => {
      const descriptors = ownDescriptors();
      let calls = 0;
      let broken = 0;
      for (let seed = SEED; calls < CALLS; seed++) {
        const end = await attack(seed, CALLS_AT_ONCE, false);
        expect(end.calls, end.end).toBeGreaterThan(0);
        calls += end.calls;
        broken += end.broken;
      }
      // Refused and served, both.
      expect(broken).toBeGreaterThan(CALLS / 50);
      expect(broken).toBeLessThan(CALLS / 4);
      expect(ownDescriptors()).toEqual(descriptors);
    },
    LIMIT_MS,
  );

  it(
    `fills ${GUESTS_WITH_RING} network rings with anything, and is ended where one breaks the ABI`,
    async () => {
      const descriptors = ownDescriptors();
      let requests = 0;
      const ends = new Map<string, number>();
      for (let seed = SEED; seed < SEED + GUESTS_WITH_RING; seed++) {
        const end = await attack(seed, CALLS_AT_ONCE, true);
        requests += end.requests;
        const kind = end.end.replaceAll(/\d+/g, "N").split(" ").slice(0, 4).join(" ");
        ends.set(kind, (ends.get(kind) ?? 0) + 1);
      }
      expect(thread.isRunning).toBe(true);
      expect(requests).toBeGreaterThan(10 * GUESTS_WITH_RING);
      const reasons = ["gave its network ring", "made N requests in", "made request N in", "has not taken N"];
      expect([...ends.keys()]).toEqual(expect.arrayContaining(reasons));
      expect(ownDescriptors()).toEqual(descriptors);
    },
    LIMIT_MS,
  );
});
