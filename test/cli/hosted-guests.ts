/** What holds of guests that `skiff run` keeps in its own process, whichever engine runs them. */
import { readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { FaultCase } from "../engine/kvm/fault-cases.ts";
import { type Ended, shell } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { untilGuestWaits } from "../support/kvm.ts";
import { describeWith, type Need } from "../support/needs.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

export interface HostedGuestsCase {
  readonly engine: "kvm" | "emulator";
  /** Folder of the kit's images that it runs. */
  readonly images: string;
  readonly needs: readonly Need[];
  readonly faults: readonly FaultCase[];
  /** What `--verbose` says of the engine, behind its name. */
  readonly reason: string;
  /** A line about the host, with which each guest begins; empty where there is none. */
  readonly remark: string;
  /** MiB. */
  readonly memoryMax: number;
  /** Who has not more memory, as the refusal says. */
  readonly memoryOwner: string;
}

const HELLO = "Hello from a unikernel.\n";
const MIB = 2 ** 20;
const FOREVER = ["1", "3600000000000"];
const ended = (stdout: string, end: number | string = 0): Ended => ({ end, stdout, stderr: "" });

/** Tests of guests on an engine. */
export function testHostedGuests(given: HostedGuestsCase): void {
  const { engine, images, needs, faults, reason, remark, memoryMax } = given;
  const folder = temporaryFolder();
  const skiff = bundledSkiff();
  const image = (name: string) => kitImagePath(name, "hvt", images);
  const words = (name: string, ...args: readonly string[]) => ["run", "--engine", engine, image(name), ...args];

  /** What the guest's run ends with, less the remark on the host, which must be there. */
  function run(name: string, args: readonly string[] = [], options: readonly string[] = []): Ended {
    const { stderr, ...rest } = skiff.run(["run", "--engine", engine, ...options, image(name), ...args]);
    expect(stderr.startsWith(remark)).toBe(true);
    return { ...rest, stderr: stderr.slice(remark.length) };
  }

  describeWith(needs, `skiff run on the engine ${engine}`, () => {
    it("gives the guest all words behind the image", () => {
      expect(run("hello")).toEqual(ended(HELLO));
      expect(run("hello", ["over", "the  sea"])).toEqual(ended(`${HELLO}Command line: over the  sea\n`));
    });

    it("says which engine was chosen, and why, and what the guest did, where it is asked", () => {
      const { stderr } = skiff.run(["run", "-v", "--engine", engine, image("hello")]);
      const counts = "skiff: 2 hypercalls: 1 puts, 1 halt\n";
      expect(stderr).toBe(`skiff: engine ${engine}: ${reason}\n${remark}${counts}`);
    });

    it("ends with the guest's status", () => {
      for (const status of [0, 1, 42, 255]) expect(run("status", [String(status)])).toEqual(ended("", status));
      expect(run("status", ["abort"]).end).toBe(255);
    });

    it("gives the guest as much memory as was asked for", () => {
      for (const mib of [2, 3, 100, memoryMax]) {
        const { stdout } = run("memory", [String(64 * MIB)], ["--mem", String(mib)]);
        expect(stdout).toContain(` end=0x${(mib * MIB).toString(16)} `);
      }
    });

    it("keeps the guest's clocks, and waits with it", () => {
      const before = BigInt(Date.now()) * 1_000_000n;
      const { end, stdout } = run("time", ["5", "1000000"]);
      expect(end, stdout).toBe(0);
      const wall = BigInt(/wall_ns=(\d+)/.exec(stdout)?.[1] ?? 0);
      expect(wall).toBeGreaterThanOrEqual(before);
      expect(wall).toBeLessThan(BigInt(Date.now() + 1) * 1_000_000n);
    });

    it("has variables for each thread, and takes more than a pipe holds", () => {
      expect(run("tls")).toEqual(ended("tls: ok\n"));
      const { end, stdout } = run("output", ["100000", "4096"]);
      expect([end, stdout.length]).toEqual([0, 100_000]);
      const lines = stdout.trimEnd().split("\n");
      expect(lines.slice(0, -1).every((line, number) => Number.parseInt(line, 16) === number)).toBe(true);
    });

    it.each([512, 4096])("serves block devices with sectors of %i bytes", (sector) => {
      const file = sparseFile(join(folder, "storage"), 64 * 1024);
      expect(run("block", [], ["--block", `storage=${file},sector=${sector}`])).toEqual(
        ended(`block: capacity=65536 block_size=${sector}\nblock: ok\n`),
      );
      expect(
        readFileSync(file)
          .subarray(-sector)
          .some((byte) => byte !== 0),
      ).toBe(true);
    });

    it("tells a guest that breaks a protection, by the fault of the architecture", () => {
      const probes = run("protection").stdout.trim().split("\n");
      expect(probes.length).toBeGreaterThanOrEqual(14);
      for (const probe of probes) {
        const { end, stdout, stderr } = run("protection", [probe]);
        expect([end, stderr], probe).toEqual([255, ""]);
        expect(stdout).toMatch(probe === "stack-smash" ? /\nabort: stack smashed\n$/ : /^protection: .*\ntrap: .*\n$/);
      }
    });

    it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const)(
      "is ended by %s while the guest waits",
      async (signal) => {
        const guest = skiff.start(words("time", ...FOREVER));
        onTestFinished(async () => {
          guest.kill("SIGKILL");
          await guest.ended;
        });
        await untilGuestWaits(guest.pid);
        guest.kill(signal);
        expect((await guest.ended).end).toBe(signal);
      },
    );

    it("ends by SIGPIPE where its reader has left", () => {
      const script = '"$@" 100000000 2>/dev/null | head -c 64 >/dev/null; echo $PIPESTATUS';
      expect(shell(script, ["bash", ...skiff.command(), ...words("output")]).stdout).toBe(
        `${128 + constants.signals.SIGPIPE}\n`,
      );
    });

    it("fails with one line where standard output is full", () => {
      const { end, stderr } = shell('"$@" >/dev/full', ["bash", ...skiff.command(), ...words("hello")]);
      expect(end).toBe(1);
      expect(stderr.slice(remark.length)).toBe("skiff: descriptor 1: write failed with ENOSPC\n");
    });
  });

  describeWith(needs, `a guest on the engine ${engine} that does not handle its fault`, () => {
    it.each(faults)("is told of with address, access and place: $name", ({ image, says }) => {
      const path = join(folder, "fault.hvt");
      writeFileSync(path, image);
      const { end, stdout, stderr } = skiff.run(["run", "--engine", engine, "--mem", "8", path]);
      expect([end, stdout]).toEqual([1, ""]);
      const line = stderr.slice(remark.length);
      expect(line.startsWith(`skiff: the guest ${says}`), line).toBe(true);
      expect(line.endsWith("\n") && line.indexOf("\n") === line.length - 1, line).toBe(true);
    });
  });

  describeWith(needs, `skiff run on the engine ${engine} refuses`, () => {
    const refused = (...options: readonly string[]) =>
      skiff.run(["run", "--engine", engine, ...options, image("hello")]);

    it("too little and too much memory", () => {
      const least = "--mem 1: the image needs at least 2 MiB; give it --mem 2 or more";
      expect(refused("--mem", "1")).toEqual(mistake(least));
      const most = `${given.memoryOwner} can have ${memoryMax} MiB at most; give it --mem ${memoryMax}`;
      expect(refused("--mem", `${memoryMax + 1}`)).toEqual(mistake(`--mem ${memoryMax + 1}: ${most}`));
    });

    it("a command line that does not fit", () => {
      const line = "the guest's command line has 8192 bytes, at most 8191 fit; give it shorter arguments";
      expect(skiff.run(words("hello", "x".repeat(8192)))).toEqual(mistake(line));
      expect(run("hello", ["x".repeat(8191)]).end).toBe(0);
    });
  });
}
