/** `skiff-hvt` has the emulator for AArch64 images where there is no Arm KVM. The rest is in `skiff-hvt.test.ts`. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { MEMORY_BYTES_MAX } from "../../src/abi/hvt.ts";
import { EMULATOR_MEMORY_BYTES_MAX } from "../../src/engine/emulator/engine.ts";
import { BYTES_PER_MIB } from "../../src/format/memory.ts";
import { chooseEngine } from "../../src/monitor/engine-choice.ts";
import { readImageFile } from "../../src/monitor/image-file.ts";
import { kitImagePath } from "../support/guest.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const tender = bundledSkiff("src/cli/skiff-hvt.ts");
const folder = temporaryFolder();
const image = (name: string) => kitImagePath(name, "hvt", "aarch64");
const HELLO = "Hello from a unikernel.\n";

/** By who has it: an Arm host's KVM takes these images, where there is one. */
const MEMORY_MAX = {
  kvm: { mib: MEMORY_BYTES_MAX / BYTES_PER_MIB, owner: "a guest of the hvt ABI" },
  emulator: { mib: Math.floor(EMULATOR_MEMORY_BYTES_MAX / BYTES_PER_MIB), owner: "a guest in the emulator" },
} as const;

describe("skiff-hvt and an AArch64 image, on any host", () => {
  it("gives the guest its words, and ends with its status", () => {
    expect(tender.run(["--mem=64", "--", image("hello"), "--mem=4"])).toEqual({
      ...{ end: 0, stderr: "" },
      stdout: `${HELLO}Command line: --mem=4\n`,
    });
    expect(tender.run([image("status"), "42"])).toEqual({ end: 42, stdout: "", stderr: "" });
  });

  it("attaches block devices", () => {
    const disk = sparseFile(join(folder, "disk"), 65_536);
    const words = [`--block:storage=${disk}`, "--block-sector-size:storage=4096", image("block")];
    expect(tender.run(words)).toEqual({
      ...{ end: 0, stderr: "" },
      stdout: "block: capacity=65536 block_size=4096\nblock: ok\n",
    });
  });

  it("refuses more memory than fits", () => {
    const { engine } = chooseEngine(readImageFile(image("hello")));
    if (engine === "process") throw new Error("an image of the hvt ABI is no process");
    const { mib, owner } = MEMORY_MAX[engine];
    const asked = `--mem=${mib + 2}`;
    const line = `${asked}: ${owner} can have ${mib} MiB at most; give it --mem=${mib}`;
    expect(tender.run([asked, image("hello")])).toEqual(mistake(line, "program"));
  });

  it("dumps a core where the guest aborts", () => {
    const cores = join(folder, "cores");
    mkdirSync(cores);
    const { end, stderr } = tender.run(["--mem=8", `--dumpcore=${cores}`, image("status"), "abort"]);
    expect(end).toBe(255);
    expect(stderr).toMatch(/dumped [0-9]+ pages of total 2048 pages\n$/);
    expect(readdirSync(cores)).toEqual([expect.stringMatching(/^core\.solo5-hvt\.[0-9]+$/)]);
  });

  it("says on SIGTERM that it ends, where the guest never waits", async () => {
    const guest = tender.start([image("output"), "1000000000"]);
    onTestFinished(async () => {
      guest.kill("SIGKILL");
      await guest.ended;
    });
    await guest.printed(/\n/);
    guest.kill("SIGTERM");
    const { end, stderr } = await guest.ended;
    expect([end, stderr]).toEqual([1, "program: Exiting on signal 15\n"]);
  });
});
