import { describe, expect, it } from "vitest";
import { parseImage } from "../../src/format/parse.ts";
import { chooseEngine, type EngineHost } from "../../src/monitor/engine-choice.ts";
import { UsageError } from "../../src/monitor/error.ts";
import { AARCH64, buildImage, HVT, SPT, X86_64 } from "../format/build-image.ts";

const image = (machine: number, abiTarget: number) => parseImage(buildImage({ machine, abiTarget }).file);
const host = (nodeArchitecture: string, kvmLack?: string, emulatorLack?: string): EngineHost => ({
  nodeArchitecture,
  kvmLack: () => kvmLack,
  emulatorLack: () => emulatorLack,
});
const NO_KVM = "this host has no /dev/kvm that works";
const X86 = host("x64");
const ARM = host("arm64");
const ARM_WITHOUT_KVM = host("arm64", NO_KVM);
const OTHER = host("riscv64", NO_KVM);

describe("the engine that is chosen", () => {
  it("is KVM for an image of this host's architecture, and the emulator elsewhere", () => {
    const cases = [
      [X86, X86_64, "kvm"],
      [X86, AARCH64, "emulator"],
      [ARM, AARCH64, "kvm"],
      [ARM_WITHOUT_KVM, AARCH64, "emulator"],
      [OTHER, AARCH64, "emulator"],
      // It is KVM's to say what it lacks: there is nothing else.
      [host("x64", NO_KVM), X86_64, "kvm"],
    ] as const;
    for (const [where, machine, engine] of cases) {
      expect(chooseEngine(image(machine, HVT), "auto", where).engine).toBe(engine);
    }
  });

  it("has a reason that tells where it is and what it lacks", () => {
    const reason = (where: EngineHost) => chooseEngine(image(AARCH64, HVT), "auto", where).reason;
    const emulated = "an image of the hvt ABI for aarch64 runs in the emulator";
    expect(reason(ARM)).toBe("an image of the hvt ABI for aarch64 runs in a virtual machine of its own");
    expect(reason(X86)).toBe(`${emulated}: this host is x86-64`);
    expect(reason(ARM_WITHOUT_KVM)).toBe(`${emulated}: ${NO_KVM}`);
    expect(reason(OTHER)).toBe(`${emulated}: this host is riscv64`);
  });

  it("is the process engine for images of the spt ABI", () => {
    expect(chooseEngine(image(X86_64, SPT), "auto", X86).engine).toBe("process");
    expect(chooseEngine(image(AARCH64, SPT), "auto", ARM_WITHOUT_KVM).engine).toBe("process");
  });

  it("is the one that was asked for, where it can run the image", () => {
    for (const where of [X86, ARM, ARM_WITHOUT_KVM, OTHER]) {
      expect(chooseEngine(image(AARCH64, HVT), "emulator", where).engine).toBe("emulator");
    }
    expect(chooseEngine(image(AARCH64, HVT), "kvm", ARM_WITHOUT_KVM).engine).toBe("kvm");
  });
});

describe("an image is refused", () => {
  it.each<[string, () => unknown, string]>([
    [
      "by the emulator for its architecture",
      () => chooseEngine(image(X86_64, HVT), "emulator", X86),
      "--engine emulator: it runs images for aarch64, this one is for x86-64; leave the option out, or take the image that was built for aarch64",
    ],
    [
      "by the emulator for its ABI, which the host has an engine for",
      () => chooseEngine(image(AARCH64, SPT), "emulator", ARM),
      "--engine emulator: it runs images of the hvt ABI, this one is for spt; leave the option out, or link the image for hvt",
    ],
    [
      "by the emulator for its ABI, for which there is nothing here",
      () => chooseEngine(image(AARCH64, SPT), "emulator", X86),
      "--engine emulator: it runs images of the hvt ABI, this one is for spt; link the image for hvt",
    ],
    [
      "by a Node without WebAssembly",
      () => chooseEngine(image(AARCH64, HVT), "auto", host("x64", undefined, "this Node has none: mend it")),
      "an image of the hvt ABI for aarch64 runs in the emulator, and this Node has none: mend it",
    ],
    [
      "by KVM for its architecture",
      () => chooseEngine(image(AARCH64, HVT), "kvm", X86),
      "the image is for aarch64, this host is x86-64; take --engine emulator, or the image that was built for x86-64",
    ],
    [
      "by all for its architecture, which nothing emulates",
      () => chooseEngine(image(X86_64, HVT), "auto", ARM),
      "the image is for x86-64, this host is aarch64; take the image that was built for aarch64",
    ],
    [
      "by all for its architecture, which the emulator has of another ABI",
      () => chooseEngine(image(AARCH64, SPT), "auto", X86),
      "the image is for aarch64, this host is x86-64; take the image that was built for x86-64, or link it for hvt, which the emulator runs",
    ],
    [
      "where nothing runs it",
      () => chooseEngine(image(X86_64, HVT), "auto", OTHER),
      "this host is riscv64; Skiff runs on x86-64 and 64-bit Arm",
    ],
  ])("%s", (_, choose, line) => {
    expect(choose).toThrow(new UsageError(line));
  });
});
