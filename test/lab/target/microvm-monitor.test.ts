import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { KvmState } from "../../../src/host/probe/kvm.ts";
import { CLOUD_HYPERVISOR } from "../../../src/lab/target/cloud-hypervisor.ts";
import { FIRECRACKER } from "../../../src/lab/target/firecracker.ts";
import type { Target } from "../../../src/lab/target/target.ts";
import { describeWith, program } from "../../support/needs.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { fakeBench } from "./fake-bench.ts";
import { guestKernel } from "./trial.ts";

const LIMIT_MS = 50_000;
const folder = temporaryFolder();
const { PATH = "" } = process.env;
afterEach(() => {
  process.env["PATH"] = PATH;
});

/** A stand-in that answers for its version, and boots what it is given in QEMU, which needs no KVM. */
function install(name: string, version: string, body = ""): void {
  const script = [
    `#!${process.execPath}`,
    `const args = process.argv.slice(2);`,
    `if (args[0] === "--version") { console.log(${JSON.stringify(version)}); process.exit(0); }`,
    `const valueOf = (name) => args[args.indexOf(name) + 1];`,
    `const boot = (kernel, initrd, append, memory) => {`,
    `  console.error("the monitor's own words");`,
    `  const { spawnSync } = require("node:child_process");`,
    `  const words = ["-accel", "tcg", "-cpu", "max", "-m", memory, "-nodefaults", "-no-reboot", "-display", "none"];`,
    `  const own = ["-serial", "stdio", "-kernel", kernel, "-initrd", initrd, "-append", append];`,
    `  process.exit(spawnSync("qemu-system-x86_64", [...words, ...own], { stdio: "inherit", env: { PATH: ${JSON.stringify(PATH)} } }).status);`,
    `};`,
    body,
  ].join("\n");
  writeFileSync(join(folder, name), script, { mode: 0o755 });
  process.env["PATH"] = `${folder}:${PATH}`;
}

async function probe(target: Target, state: KvmState) {
  const bench = await fakeBench();
  return target.probe({ ...bench, host: { ...bench.host, kvm: { ...bench.host.kvm, state } } });
}

const MONITORS = [
  { target: FIRECRACKER, version: "Firecracker v1.12.1\n\nExiting successfully." },
  { target: CLOUD_HYPERVISOR, version: "cloud-hypervisor v48.0.0" },
];

describe.each(MONITORS)("$target.title", ({ target, version }) => {
  test("is listed with the way to get it where it is not there", async () => {
    process.env["PATH"] = join(folder, "nothing");
    expect(await probe(target, "real")).toEqual({
      available: false,
      reason: `${target.name} is not on PATH`,
      mend: expect.stringMatching(/^take it from github\.com/),
    });
  });

  test("is listed with what it says where that is no version", async () => {
    install(target.name, "no such thing");
    expect(await probe(target, "real")).toMatchObject({
      available: false,
      reason: `${join(folder, target.name)} --version says: no such thing`,
    });
  });

  test.each([
    ["absent", "there is no KVM that works; skiff doctor tells why"],
    ["broken", "there is no KVM that works; skiff doctor tells why"],
    ["denied", "this user may not open /dev/kvm"],
    ["emulated", "KVM is there, but emulated: a Linux guest does not come up on it"],
  ] as const)("is listed with the reason where KVM is %s", async (state, reason) => {
    install(target.name, version);
    expect(await probe(target, state)).toMatchObject({ available: false, reason });
  });
});

test("Firecracker before 1.8 is refused on x86-64, where it tells its devices by the command line alone", async () => {
  install("firecracker", "Firecracker v1.7.0");
  const probed = await probe(FIRECRACKER, "real");
  if (process.arch === "x64") expect(probed).toMatchObject({ available: false, mend: "take Firecracker 1.8 or later" });
});

const NEEDS = [
  guestKernel,
  program("lz4", "lz4"),
  program("busybox", "busybox-static"),
  program("qemu-system-x86_64", "qemu-system-x86"),
];
const BOOTS = {
  firecracker: `
    const config = JSON.parse(require("node:fs").readFileSync(valueOf("--config-file"), "utf8"));
    const { "boot-source": source, "machine-config": machine } = config;
    if (machine.vcpu_count !== 1) process.exit(9);
    boot(source.kernel_image_path, source.initrd_path, source.boot_args, String(machine.mem_size_mib));`,
  "cloud-hypervisor": `
    if (valueOf("--cpus") !== "boot=1" || valueOf("--serial") !== "tty") process.exit(9);
    const memory = /^size=([0-9]+M)$/.exec(valueOf("--memory"))[1];
    boot(valueOf("--kernel"), valueOf("--initramfs"), valueOf("--cmdline"), memory);`,
} as const;

describeWith(NEEDS, "a monitor that is no boot loader", () => {
  test.each(MONITORS)(
    "$target.name gets a kernel, a guest and words with which it runs a program to its end",
    async ({ target, version }) => {
      const { name } = target;
      install(name, version, BOOTS[name === "firecracker" ? name : "cloud-hypervisor"]);
      const bench = await fakeBench();
      const real = { ...bench, host: { ...bench.host, kvm: { ...bench.host.kvm, state: "real" as const } } };
      const available = await target.probe(real);
      if (!available.available) throw new Error(available.reason);
      const prime = { kind: "kit", name: "prime", args: ["3"], memoryMib: 16 } as const;
      const launcher = await available.prepare(prime, undefined, real);
      const instance = await launcher.start({ cores: [0] });
      try {
        const { exit } = await instance.exited(LIMIT_MS);
        expect(instance.output()).toMatch(/^prime: iterations=3 /);
        expect(instance.output()).toContain("the monitor's own words");
        expect(exit).toEqual({ status: 0 });
        expect(launcher.imageBytes).toBeGreaterThan(2 ** 20);
      } finally {
        await instance.stop();
        await launcher.close();
      }
    },
  );

  test("Cloud Hypervisor is told the address that its tap has", async () => {
    install("cloud-hypervisor", "cloud-hypervisor v48.0.0");
    const bench = await fakeBench();
    const real = { ...bench, host: { ...bench.host, kvm: { ...bench.host.kvm, state: "real" as const } } };
    const available = await CLOUD_HYPERVISOR.probe(real);
    if (!available.available) throw new Error(available.reason);
    const server = { kind: "kit", name: "services", args: [], memoryMib: 32, port: 7 } as const;
    const { commandLine } = await available.prepare(server, "tap", real);
    expect(commandLine.join(" ")).toContain("--net tap=<tap>,mac=<mac>,ip=<gateway>,mask=255.255.255.252");
    expect(commandLine.join(" ")).toContain("SKIFF_IPV4=<address>");
  });
});
