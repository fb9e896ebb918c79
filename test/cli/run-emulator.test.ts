import { describe, expect, it } from "vitest";
import { EMULATOR_MEMORY_BYTES_MAX } from "../../src/engine/emulator/engine.ts";
import { AARCH64_FAULTS } from "../engine/kvm/fault-cases.ts";
import { shell } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";
import { testHostedGuests } from "./hosted-guests.ts";

testHostedGuests({
  engine: "emulator",
  images: "aarch64",
  needs: [],
  faults: AARCH64_FAULTS,
  reason: "an image of the hvt ABI for aarch64 runs in the emulator",
  remark: "",
  memoryMax: Math.floor(EMULATOR_MEMORY_BYTES_MAX / 2 ** 20),
  memoryOwner: "a guest in the emulator",
});

describe("skiff run in the emulator", () => {
  const skiff = bundledSkiff();
  const image = kitImagePath("hello", "hvt", "aarch64");

  it("says where the host has no room for the guest's memory", () => {
    const words = ["run", "--engine", "emulator", "--mem", "4000", image];
    const limited = shell('ulimit -v 4000000; exec "$@"', ["bash", ...skiff.command(), ...words]);
    expect(limited).toEqual(
      mistake("--mem 4000: this host has no room for so much; give the guest less, e.g. --mem 64"),
    );
  });

  it("says that a Node without WebAssembly has none", () => {
    const [node, file] = skiff.command();
    const { end, stdout, stderr } = shell('"$@"', [
      "bash",
      node,
      "--jitless",
      file,
      "run",
      "--engine",
      "emulator",
      image,
    ]);
    const lack = "and this Node has no WebAssembly: start it without --jitless";
    expect([end, stdout]).toEqual([1, expect.not.stringContaining("Hello")]);
    expect(stderr).toContain(`skiff: an image of the hvt ABI for aarch64 runs in the emulator, ${lack}\n`);
    expect(stderr).not.toContain("    at ");
  });
});
