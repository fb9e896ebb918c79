import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { ASK, CAPABILITY } from "../../src/engine/kvm/numbers.ts";
import { type Bundle, bundle } from "../bundle.ts";
import { AARCH64_FAULTS, X86_64_FAULTS } from "../engine/kvm/fault-cases.ts";
import { run as command, type Ended, shell } from "../support/command.ts";
import { hostArchitecture, kitImagePath } from "../support/guest.ts";
import { kvm, untilGuestWaits } from "../support/kvm.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const folder = temporaryFolder();
const skiff = bundledSkiff();
const image = (name: string) => kitImagePath(name, "hvt");
const HELLO = "Hello from a unikernel.\n";
const MIB = 2 ** 20;
const FOREVER = ["1", "3600000000000"];
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
const emulated = hostArchitecture === "x86-64" && !hardware;

/** What the guest's run ends with, less the remark on an emulating KVM, which must be there exactly then. */
function run(name: string, args: readonly string[] = [], options: readonly string[] = []): Ended {
  const { stderr, ...rest } = skiff.run(["run", ...options, image(name), ...args]);
  expect(stderr.startsWith(REMARK)).toBe(emulated);
  return { ...rest, stderr: emulated ? stderr.slice(REMARK.length) : stderr };
}

const ended = (stdout: string, end: number | string = 0): Ended => ({ end, stdout, stderr: "" });

describeWith([kvm], "skiff run on KVM", () => {
  it("gives the guest all words behind the image", () => {
    expect(run("hello")).toEqual(ended(HELLO));
    expect(run("hello", ["over", "the  sea"])).toEqual(ended(`${HELLO}Command line: over the  sea\n`));
  });

  it("says which engine was chosen, and why, and what the guest did, where it is asked", () => {
    const reason = `an image of the hvt ABI for ${hostArchitecture} runs in a virtual machine of its own`;
    const { stderr } = skiff.run(["run", "-v", "--engine", "kvm", image("hello")]);
    const counts = "skiff: 2 hypercalls: 1 puts, 1 halt\n";
    expect(stderr).toBe(`skiff: engine kvm: ${reason}\n${emulated ? REMARK : ""}${counts}`);
  });

  it("ends with the guest's status", () => {
    for (const status of [0, 1, 42, 255]) expect(run("status", [String(status)])).toEqual(ended("", status));
    expect(run("status", ["abort"]).end).toBe(255);
  });

  it("gives the guest as much memory as was asked for", () => {
    for (const mib of [2, 3, 100, 4096]) {
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
      const guest = skiff.start(["run", image("time"), ...FOREVER]);
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
    const words = ["bash", ...skiff.command(), "run", image("output")];
    expect(shell(script, words).stdout).toBe(`${128 + constants.signals.SIGPIPE}\n`);
  });

  it("fails with one line where standard output is full", () => {
    const words = ["bash", ...skiff.command(), "run", image("hello")];
    const { end, stderr } = shell('"$@" >/dev/full', words);
    expect(end).toBe(1);
    expect(stderr.replace(REMARK, "")).toBe("skiff: descriptor 1: write failed with ENOSPC\n");
  });
});

describeWith([kvm], "a guest that does not handle its fault", () => {
  const cases = hostArchitecture === "x86-64" ? X86_64_FAULTS : AARCH64_FAULTS;
  it.each(cases)("is told of with address, access and place: $name", ({ image, says }) => {
    const path = join(folder, "fault.hvt");
    writeFileSync(path, image);
    const { end, stdout, stderr } = skiff.run(["run", "--mem", "8", path]);
    expect([end, stdout]).toEqual([1, ""]);
    const line = stderr.replace(REMARK, "");
    expect(line.startsWith(`skiff: the guest ${says}`), line).toBe(true);
    expect(line.endsWith("\n") && line.indexOf("\n") === line.length - 1, line).toBe(true);
  });
});

describeWith([kvm], "skiff run on KVM refuses", () => {
  it("too little and too much memory", () => {
    const least = "--mem 1: the image needs at least 2 MiB; give it --mem 2 or more";
    expect(skiff.run(["run", "--mem", "1", image("hello")])).toEqual(mistake(least));
    const most = "--mem 4097: a guest of the hvt ABI can have 4096 MiB at most; give it --mem 4096";
    expect(skiff.run(["run", "--mem", "4097", image("hello")])).toEqual(mistake(most));
  });

  it("a command line that does not fit", () => {
    const line = "the guest's command line has 8192 bytes, at most 8191 fit; give it shorter arguments";
    expect(skiff.run(["run", image("hello"), "x".repeat(8192)])).toEqual(mistake(line));
    expect(run("hello", ["x".repeat(8191)]).end).toBe(0);
  });

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
    const words = ["run", image("hello")];

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
