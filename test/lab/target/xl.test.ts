import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SampleError } from "../../../src/lab/lack.ts";
import type { Boot } from "../../../src/lab/linux-guest/boot.ts";
import { domainConfig, XL } from "../../../src/lab/target/xl.ts";
import { describeWith, program } from "../../support/needs.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { fakeBench } from "./fake-bench.ts";
import { guestKernel } from "./trial.ts";

const LIMIT_MS = 20_000;
const folder = temporaryFolder();
const log = join(folder, "log");
const { PATH = "" } = process.env;
afterEach(() => {
  process.env["PATH"] = PATH;
});

function install(script: string): void {
  writeFileSync(join(folder, "xl"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env["PATH"] = `${folder}:${PATH}`;
}

const BOOT: Boot = {
  kernel: "/boot/vmlinuz",
  initramfs: "/tmp/it's an initramfs",
  disk: undefined,
  append: () => "console=hvc0 -- 3",
  memoryMib: 200,
  imageBytes: 1,
};

describe("Xen's xl", () => {
  it("is listed with the way to get it where it is not there", async () => {
    process.env["PATH"] = join(folder, "nothing");
    expect(await XL.probe(await fakeBench())).toEqual({
      available: false,
      reason: "xl is not on PATH",
      mend: expect.stringMatching(/apt-get install xen-system-a\w+64, and start this host anew below Xen$/),
    });
  });

  it("is listed with what it says where the host does not run below Xen", async () => {
    // As Debian's xen-utils-common 4.17 says it.
    install(`echo "ERROR:  Can't find hypervisor information in sysfs!" >&2; exit 1`);
    expect(await XL.probe(await fakeBench())).toMatchObject({
      available: false,
      reason: "this host does not run below Xen; xl info says: ERROR: Can't find hypervisor information in sysfs!",
    });
  });

  it("gets a domain's settings, which end it with its guest", () => {
    expect(domainConfig(BOOT, "skiff-1", [2, 3]).trim().split("\n")).toEqual([
      'name = "skiff-1"',
      'type = "pvh"',
      'kernel = "/boot/vmlinuz"',
      `ramdisk = "/tmp/it's an initramfs"`,
      'extra = "console=hvc0 -- 3"',
      "memory = 200",
      "vcpus = 2",
      'cpus = "2,3"',
      'on_poweroff = "destroy"',
      'on_reboot = "destroy"',
      'on_crash = "destroy"',
      'on_watchdog = "destroy"',
    ]);
    expect(() => domainConfig(BOOT, `both " and '`, [0])).toThrow(SampleError);
  });
});

describeWith([guestKernel, program("busybox", "busybox-static")], "a domain of Xen", () => {
  it("is created with its console, and destroyed when it is stopped", async () => {
    install(
      `[ "$1" = info ] && echo "xen_version            : 4.17.5" && exit
[ "$1" = destroy ] && echo "destroy $2" >> ${log} && exit
echo "xl's own words" >&2; grep -h "^extra" "$4"; exec sleep 1000`,
    );
    const bench = await fakeBench();
    const available = await XL.probe(bench);
    if (!available.available) throw new Error(available.reason);
    expect(available).toMatchObject({ version: expect.stringMatching(/^Xen 4\.17\.5, Linux \d/), paths: [] });
    const prime = { kind: "kit", name: "prime", args: ["3"], memoryMib: 16 } as const;
    const launcher = await available.prepare(prime, undefined, bench);
    const instance = await launcher.start({ cores: [0] });
    await instance.firstOutput(LIMIT_MS);
    const [pid = 0] = instance.pids();
    await instance.stop();
    await launcher.close();
    expect(instance.output()).toMatch(/^extra = "console=hvc0 .*rdinit=\/prime -- --mem=16 3"$/m);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(readFileSync(log, "utf8")).toMatch(/^destroy skiff-\d+-xl-start-\w+\n$/);
  });
});
