import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { beforeEach, expect, it } from "vitest";
import { becomeSubreaper } from "../../src/host/launch.ffi.ts";
import { hierarchies } from "../../src/lab/container/control-group.ts";
import type { Sample } from "../../src/lab/sample.ts";
import { run, type start as Start, start } from "../support/command.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff } from "./bundled-skiff.ts";

const KILLS = 5;
const BLOCKS = 4;
const WORKLOADS = ["start", "latency"];
const LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 20;
const TEST_MS = 240_000;
/** native, native-veth, native-tap, process and bubblewrap; native twice, and over the network native-veth. */
const ORDER = ["bubblewrap", "native", "native-tap", "native-veth", "process"];

type Running = ReturnType<typeof Start>;

describeWith(
  [root, program("ip", "iproute2"), program("bwrap", "bubblewrap")],
  "skiff bench, ended from outside",
  () => {
    const skiff = bundledSkiff();
    const folder = temporaryFolder();
    let temporary: string;
    let count = 0;

    // What a killed lab leaves running becomes a child of this process, and is found.
    becomeSubreaper();

    /** In a process group of its own, as a shell starts it; `detached` makes a session of it too. */
    function bench(output: string, blocks: number): Running {
      mkdirSync(temporary, { recursive: true });
      const words = ["--targets", "native-tap,process,bubblewrap", "--workloads", WORKLOADS.join(), "--budget", "10m"];
      const [node, file] = skiff.command();
      return start(node, [file, "bench", ...words, "--blocks", String(blocks), "--seed", "1", "--output", output], {
        detached: true,
        env: { PATH: process.env["PATH"], TMPDIR: temporary },
      });
    }

    beforeEach(() => {
      temporary = join(folder, `tmp-${count++}`);
      mkdirSync(temporary);
    });

    const ownChildren = () => new Set(children(process.pid));

    /** Samples in the folder, by whole lines; undefined before the first block. */
    function samples(output: string): Sample[] | undefined {
      if (!existsSync(join(output, "manifest.json"))) return undefined;
      const text = readFileSync(join(output, "samples.jsonl"), "utf8");
      return text
        .slice(0, text.lastIndexOf("\n") + 1)
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    }

    async function untilSamples(output: string, atLeast: number): Promise<void> {
      await until(`${atLeast} samples`, () => (samples(output)?.length ?? 0) >= atLeast);
    }

    async function expectNothingLeft(lab: number, before: ReadonlySet<number>, links: string): Promise<void> {
      const left = () => [
        ...children(process.pid)
          .filter((pid) => !before.has(pid))
          .map((pid) => `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "latin1")}`),
        ...readdirSync(temporary),
        ...hierarchies().flatMap((path) => readdirSync(path).filter((name) => name.startsWith(`skiff-${lab}-`))),
        ...readFileSync("/proc/self/mounts", "utf8")
          .split("\n")
          .filter((line) => line.includes(temporary)),
      ];
      await until("nothing is left", () => left().length === 0).catch(() => {});
      expect(left()).toEqual([]);
      expect(interfaces()).toBe(links);
    }

    it.each([
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const)(
      `%s at a random moment leaves the report and nothing else (seed ${SEED})`,
      { timeout: TEST_MS },
      async (signal, status) => {
        const random = seededRandom();
        const output = join(folder, `ended-${count++}`);
        const [before, links] = [ownChildren(), interfaces()];
        const lab = bench(output, 1000);
        await untilSamples(output, random.integer(1, 8));
        await setTimeout(random.integer(0, 50));
        // Ctrl-C goes to the whole foreground group.
        process.kill(-lab.pid, signal);
        const { end, stdout, stderr } = await lab.ended;
        expect({ end, lines: stderr.split("\n").filter((line) => line.startsWith("skiff:")) }).toEqual({
          end: status,
          lines: [],
        });
        expect(stdout).toMatch(/^What isolation costs on /);
        expect(stdout).toContain("! The run was interrupted: this report shows what was there until then.\n");
        expect(stdout).toContain(`The whole report: ${output}/report.html\n`);
        expect(readdirSync(output).sort()).toEqual([
          "manifest.json",
          ...["csv", "html", "json", "md"].map((form) => `report.${form}`),
          "samples.jsonl",
        ]);
        expect(JSON.parse(readFileSync(join(output, "manifest.json"), "utf8")).ended.why).toBe("interrupted");
        await expectNothingLeft(lab.pid, before, links);
      },
    );

    it("Ctrl-C before the first block leaves no folder", async () => {
      const output = join(folder, "early/and/deep");
      const [before, links] = [ownChildren(), interfaces()];
      const lab = bench(output, 1000);
      await until("its folder for temporary files", () => readdirSync(temporary).length > 0);
      process.kill(-lab.pid, "SIGINT");
      expect(await lab.ended).toEqual({
        end: 130,
        stdout: "",
        stderr: expect.stringMatching(
          /^((not run|trying) .*\n)*interrupted before the first block: nothing was measured, .*\n$/,
        ),
      });
      expect(existsSync(join(folder, "early"))).toBe(false);
      await expectNothingLeft(lab.pid, before, links);
    });

    it(`killed ${KILLS} times at random moments it is gone on with, and has every sample once (seed ${SEED})`, {
      timeout: TEST_MS,
    }, async () => {
      const random = seededRandom();
      const output = join(folder, `killed-${count++}`);
      const [before, links] = [ownChildren(), interfaces()];
      for (let kill = 0; kill < KILLS; kill++) {
        const lab = bench(output, BLOCKS);
        const had = samples(output)?.length ?? 0;
        await untilSamples(output, had + random.integer(1, 3));
        await setTimeout(random.integer(0, 50));
        lab.kill("SIGKILL");
        await lab.ended;
        await expectNothingLeft(lab.pid, before, links);
      }
      const last = await bench(output, BLOCKS).ended;
      expect(last.end).toBe(0);
      const all = samples(output) ?? [];
      for (const [workload, baseline] of [
        ["start", "native"],
        ["latency", "native-veth"],
      ]) {
        for (let block = 0; block < BLOCKS; block++) {
          const own = all.filter((sample) => sample.workload === workload && sample.block === block);
          const attempt = Math.max(...own.map((sample) => sample.attempt));
          const turns = own.filter((sample) => sample.attempt === attempt).map(({ target }) => target);
          const targets = ORDER.filter(
            (name) => workload === "latency" || !["native-veth", "native-tap"].includes(name),
          );
          expect(turns.sort(), `${workload}, block ${block}`).toEqual([...targets, baseline].sort());
        }
      }
      const places = all.map(({ workload, block, attempt, turn }) => `${workload} ${block} ${attempt} ${turn}`);
      expect(new Set(places).size).toBe(places.length);
    });
  },
);

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = Date.now() + LIMIT_MS;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`${what}: not within ${LIMIT_MS / 1000} s`);
    await setTimeout(LOOK_AGAIN_MS);
  }
}

/** Running children of a process; those that have ended and wait to be reaped do not count. */
function children(parent: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^[0-9]+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      // proc_pid_stat(5): the state and the parent stand behind the name in parentheses.
      const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(ppid) === parent && state !== "Z" ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function interfaces(): string {
  return run("ip", ["-o", "link"]).stdout.replace(/^(\d+: [^:]+):.*$/gm, "$1");
}
