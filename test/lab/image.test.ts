import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProbeLibc } from "../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../src/host/probe/manifest.ts";
import { findGuestKernel } from "../../src/lab/linux-guest/kernel.ts";
import { type MadeWorkbench, makeWorkbench } from "../../src/lab/make-workbench.ts";
import { candidates, makeReady } from "../../src/lab/survey.ts";
import { type Taken, takeSample } from "../../src/lab/take-sample.ts";
import { NATIVE } from "../../src/lab/target/native.ts";
import { QEMU_TCG } from "../../src/lab/target/qemu.ts";
import { SKIFF_PROCESS } from "../../src/lab/target/skiff-process.ts";
import type { Target } from "../../src/lab/target/target.ts";
import { type ImageRequest, imageWorkload } from "../../src/lab/workload/image.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { quietMeter } from "./fake-lab.ts";
import { guestKernel } from "./target/trial.ts";

const SCALE = { sampleMs: 200 };
const LIMIT_MS = 60_000;
const FOLDER = process.arch === "arm64" ? "aarch64" : "x86_64";
const image = (name: string) => join("guests/images", FOLDER, name);

function request(asked: Partial<ImageRequest>): ImageRequest {
  return { paths: [], words: [], port: null, memoryMib: 64, ...asked };
}

const NEEDS = [
  root,
  program("ip", "iproute2"),
  program("qemu-system-x86_64", "qemu-system-x86"),
  program("busybox", "busybox-static"),
  guestKernel,
];

describeWith(NEEDS, "an image of one's own", () => {
  let made: MadeWorkbench;
  beforeAll(async () => {
    made = makeWorkbench(await probeHost(await loadProbeLibc()), "0.0.0");
  });
  afterAll(async () => made.close());

  /** One sample; the reason where the target refuses. */
  async function take(target: Target, asked: ImageRequest): Promise<Taken | string> {
    const { bench } = made;
    const available = await target.probe(bench);
    if (!available.available) throw new Error(available.reason);
    const survey = { found: [{ target, available }], workloads: [imageWorkload(asked)] };
    const { candidates: accepted, refused } = candidates(survey, SCALE, bench);
    const [candidate] = accepted;
    if (candidate === undefined) return refused[0]?.reason ?? "";
    const row = await makeReady(candidate, bench);
    if (typeof row === "string") throw new Error(row);
    const { signal } = new AbortController();
    return takeSample(row, { bench, meter: quietMeter(), scale: SCALE, limitMs: LIMIT_MS, signal });
  }

  test("is started in the form that a target takes, to its first output", async () => {
    const taken = await take(
      SKIFF_PROCESS,
      request({ paths: [image("hello.hvt"), image("prime.spt")], words: ["9000"] }),
    );
    expect(taken).toMatchObject({ failure: null, path: null });
    const { values } = taken as Taken;
    expect(values?.["first-output"]).toBeGreaterThan(0);
    expect(values?.["size"]).toBe(statSync(image("prime.spt")).size / 1024);
  });

  test("is asked by TCP where a port is given, at the address that its words tell it", async () => {
    const paths = [image("httpd.spt")];
    const taken = await take(SKIFF_PROCESS, request({ paths, words: ["--ipv4=<address>", "--port=8080"], port: 8080 }));
    expect(taken).toMatchObject({ failure: null, path: "tap", notes: [] });
    const { values } = taken as Taken;
    expect(values?.["first-answer"]).toBeGreaterThan(0);
    expect(values?.["proportional"]).toBeGreaterThan(100);
  });

  test("gets a tap for the net device that it declares, whatever that is called", async () => {
    expect(
      await take(SKIFF_PROCESS, request({ paths: [image("net.spt")], words: ["--ipv4=<address>"] })),
    ).toMatchObject({
      failure: null,
      path: "tap",
    });
  });

  test("is refused with the reason where a target cannot run it", async () => {
    const hvt = request({ paths: [image("hello.hvt")] });
    expect(await take(SKIFF_PROCESS, hvt)).toBe("there is no image of the spt ABI of image");
    expect(await take(NATIVE, hvt)).toBe("an image is not a Linux program");
    expect(await take(QEMU_TCG, hvt)).toMatch(/^none of .*hello\.hvt is a kernel or disk that it boots$/);
    expect(await take(SKIFF_PROCESS, request({ paths: [image("block.spt")] }))).toMatch(/declares the block device/);
    expect(await take(SKIFF_PROCESS, request({ paths: [image("hello.spt")], port: 80 }))).toMatch(
      /declares no net device/,
    );
  });

  test("that is a kernel boots in a virtual machine", async () => {
    const paths = [findGuestKernel()?.path ?? ""];
    const words = ["console=ttyS0", "panic=-1", "reboot=t"];
    const taken = await take(QEMU_TCG, request({ paths, words, memoryMib: 256 }));
    expect(taken).toMatchObject({ failure: null });
    expect((taken as Taken).values?.["first-output"]).toBeGreaterThan(0);
  });
});
