import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { firstProcess } from "../../../src/lab/linux-guest/guest.ts";
import { findGuestKernel, modulesInOrder, readModule } from "../../../src/lab/linux-guest/kernel.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const root = temporaryFolder();
const modules = join(root, "lib/modules/6.1.0-10-cloud-amd64");
mkdirSync(join(root, "boot"));
mkdirSync(modules, { recursive: true });

test("there is none where /boot is empty", () => {
  expect(findGuestKernel(root)).toBeUndefined();
});

test("one for clouds comes first, then the newest", () => {
  for (const release of ["6.1.0-9-cloud-amd64", "6.1.0-10-cloud-amd64", "6.12.1-amd64"]) {
    writeFileSync(join(root, "boot", `vmlinuz-${release}`), "");
  }
  expect(findGuestKernel(root)).toEqual({
    path: join(root, "boot/vmlinuz-6.1.0-10-cloud-amd64"),
    release: "6.1.0-10-cloud-amd64",
    modules,
  });
});

test("modules come after what they need, each once, and none for what is built in", () => {
  writeFileSync(join(modules, "modules.builtin"), "kernel/drivers/tty/serial/8250/8250.ko\n");
  const table = [
    "kernel/drivers/virtio/virtio.ko:",
    "kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko",
    "kernel/drivers/virtio/virtio-pci.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko",
    "kernel/net/virtio_net.ko.xz: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko",
  ];
  writeFileSync(join(modules, "modules.dep"), `${table.join("\n")}\n`);
  const kernel = { path: "", release: "", modules };
  const found = modulesInOrder(kernel, ["8250", "virtio_pci", "virtio_net"]).map((path) => path.split("/").at(-1));
  expect(found).toEqual(["virtio.ko", "virtio_ring.ko", "virtio-pci.ko", "virtio_net.ko.xz"]);
  expect(() => modulesInOrder(kernel, ["nothing"])).toThrow("has no module nothing");
});

test("packed modules are unpacked", () => {
  writeFileSync(join(modules, "a.ko.gz"), gzipSync("a module"));
  writeFileSync(join(modules, "b.ko"), "another");
  expect(Buffer.from(readModule(join(modules, "a.ko.gz"))).toString()).toBe("a module");
  expect(Buffer.from(readModule(join(modules, "b.ko"))).toString()).toBe("another");
});

test("the first process quotes words and values", () => {
  const root = {
    path: "/",
    words: ["/a", "it's"],
    environment: { K: "a b" },
    writes: undefined,
    hasTmp: false,
    sizeBytes: 0,
  };
  const script = firstProcess(root, ["/modules/v.ko"], true).split("\n");
  expect(script.at(-2)).toBe(`exec '/a' 'it'\\''s'`);
  expect(script).toContain("export K='a b'");
  expect(script).toContain("$busybox insmod /modules/v.ko");
  expect(firstProcess(root, [], false)).not.toContain("eth0");
});
