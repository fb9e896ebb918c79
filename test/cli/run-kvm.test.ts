import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ASK, CAPABILITY } from "../../src/engine/kvm/numbers.ts";
import { type Bundle, bundle } from "../bundle.ts";
import { AARCH64_FAULTS, X86_64_FAULTS } from "../engine/kvm/fault-cases.ts";
import { run as command, type Ended } from "../support/command.ts";
import { hostArchitecture, kitImagePath } from "../support/guest.ts";
import { kvm } from "../support/kvm.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";
import { testHostedGuests } from "./hosted-guests.ts";

const folder = temporaryFolder();
const skiff = bundledSkiff();
const image = (name: string) => kitImagePath(name, "hvt");
/** ioctl(2), by architecture. */
const IOCTL = process.arch === "arm64" ? 29 : 16;
const X86_64_NEEDS = { KVM_CAP_USER_MEMORY: "2.6.24", KVM_CAP_GET_TSC_KHZ: "2.6.39" } as const;
const AARCH64_NEEDS = {
  KVM_CAP_USER_MEMORY: "2.6.24",
  KVM_CAP_ONE_REG: "3.6",
  KVM_CAP_IMMEDIATE_EXIT: "4.11",
} as const;
const REMARK = "skiff: this host's KVM emulates the processor: guests run slowly, and without floating point\n";
const hardware = ["kvm_intel", "kvm_amd"].some((module) => existsSync(`/sys/module/${module}`));

testHostedGuests({
  engine: "kvm",
  images: hostArchitecture === "x86-64" ? "x86_64" : "aarch64",
  needs: [kvm],
  faults: hostArchitecture === "x86-64" ? X86_64_FAULTS : AARCH64_FAULTS,
  reason: `an image of the hvt ABI for ${hostArchitecture} runs in a virtual machine of its own`,
  remark: hostArchitecture === "x86-64" && !hardware ? REMARK : "",
  memoryMax: 4096,
  memoryOwner: "a guest of the hvt ABI",
});

describeWith([kvm], "skiff run on KVM refuses", () => {
  it("an engine that has not the image's ABI", () => {
    const line =
      "--engine process: it runs images of the spt ABI, this one is for hvt; leave the option out, or link the image for spt";
    expect(skiff.run(["run", "--engine", "process", image("hello")])).toEqual(mistake(line));
    const other =
      "--engine kvm: it runs images of the hvt ABI, this one is for spt; leave the option out, or link the image for hvt";
    expect(skiff.run(["run", "--engine", "kvm", kitImagePath("hello")])).toEqual(mistake(other));
  });

  it("an image of another architecture", () => {
    const [other, folder, mend] =
      hostArchitecture === "x86-64" ? ["aarch64", "aarch64", "--engine emulator, or "] : ["x86-64", "x86_64", ""];
    const line = `the image is for ${other}, this host is ${hostArchitecture}; take ${mend}the image that was built for ${hostArchitecture}`;
    expect(skiff.run(["run", "--engine", "kvm", kitImagePath("hello", "hvt", folder)])).toEqual(mistake(line));
  });

  it("to make an executable of it", () => {
    const line = `${image("hello")} is for the hvt ABI; an executable is made of an image of the spt ABI`;
    expect(skiff.run(["build", image("hello"), "-o", join(folder, "made")])).toEqual(mistake(line));
  });
});

/** `/dev` with the devices that Node needs, and whatever a script makes of `/dev/kvm`, in a private mount namespace. */
const WITH_KVM = `
  set -e
  made=$(mktemp -d -p ${folder})
  mount -t tmpfs dev "$made"
  for device in null zero urandom; do touch "$made/$device"; mount --bind "/dev/$device" "$made/$device"; done
  eval "$0"
  mount --rbind "$made" /dev
  exec "$@"
`;

describeWith(
  [kvm, root, program("unshare", "util-linux")],
  "skiff run without a KVM that it can use says so in one line",
  () => {
    let deny: Bundle;
    beforeAll(async () => {
      deny = await bundle("test/support/deny.ffi.ts");
    });
    afterAll(() => deny.remove());
    const words = ["run", "--engine", "kvm", image("hello")];

    /** Runs skiff with what `script` makes of `$made/kvm`. */
    function runWith(script: string, wrapper: readonly string[] = []): Ended {
      return command("unshare", ["--mount", "bash", "-c", WITH_KVM, script, ...wrapper, ...skiff.command(), ...words]);
    }
    /** Runs skiff where the kernel gives 0 for an ioctl, and does nothing; or this error number. */
    function runRefused(request: number, argument: number | undefined, errno = 0): Ended {
      const rule = [IOCTL, 1, request, ...(argument === undefined ? [] : [2, argument])].join(",");
      return command(process.execPath, [deny.path, rule, String(errno), "3", ...skiff.command(), ...words]);
    }

    it("where there is none", () => {
      const line = "this host has no /dev/kvm; skiff doctor says how to get it, or link the image for spt";
      expect(runWith("")).toEqual(mistake(line));
      // A device number that no driver has.
      expect(runWith('mknod "$made/kvm" c 10 254')).toEqual(mistake(line));
      expect(runWith('mknod "$made/kvm" c 510 0')).toEqual(mistake(line));
    });

    it("where this user may not open it", () => {
      const line = "this user may not open /dev/kvm; join its group with 'sudo usermod -aG kvm $USER' and log in anew";
      const unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
      expect(runWith('mknod -m 0 "$made/kvm" c 10 232', unprivileged)).toEqual(mistake(line));
    });

    it("where it is something else", () => {
      const { end, stdout, stderr } = runWith('mknod "$made/kvm" c 1 3');
      expect([end, stdout]).toEqual([1, ""]);
      expect(stderr).toBe(
        "skiff: /dev/kvm: KVM_GET_API_VERSION failed with ENOTTY; skiff doctor tells what is there, or link the image for spt\n",
      );
    });

    it("where it has another version, or lacks a capability", () => {
      const version = "/dev/kvm has API version 0, expected 12; Skiff knows no such KVM, link the image for spt";
      expect(runRefused(ASK.KVM_GET_API_VERSION, undefined)).toEqual(mistake(version));
      const needs = hostArchitecture === "x86-64" ? X86_64_NEEDS : AARCH64_NEEDS;
      for (const [name, linux] of Object.entries(needs)) {
        const line = `this host's KVM lacks ${name}, which Linux has since ${linux}; take a newer kernel, or link the image for spt`;
        const number = CAPABILITY[name as keyof typeof CAPABILITY];
        expect(runRefused(ASK.KVM_CHECK_EXTENSION, number)).toEqual(mistake(line));
      }
    });

    it("where it refuses a machine", () => {
      const mend = "skiff doctor tells what is there, or link the image for spt";
      const line = `/dev/kvm: KVM_CREATE_VM failed with ENOMEM; ${mend}`;
      expect(runRefused(ASK.KVM_CREATE_VM, undefined, constants.errno.ENOMEM)).toEqual(mistake(line));
      expect(runRefused(ASK.KVM_CREATE_VCPU, undefined, constants.errno.EMFILE).stderr).toBe(
        `skiff: /dev/kvm: KVM_CREATE_VCPU failed with EMFILE; ${mend}\n`,
      );
    });
  },
);
