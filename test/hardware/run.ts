// Runs Skiff's tests in emulated hosts: npm run test:hardware [-- HOST ...]
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CACHE_FOLDER } from "./cache.ts";
import { BedError } from "./error.ts";
import type { HostEvent } from "./events.ts";
import type { HostDescription } from "./host.ts";
import { armServer } from "./hosts/arm-server.ts";
import { raspberryPi4 } from "./hosts/raspberry-pi-4.ts";
import { raspberryPi5 } from "./hosts/raspberry-pi-5.ts";
import { x86Svm } from "./hosts/x86-64-svm.ts";
import { runMachine } from "./machine.ts";
import { gather } from "./root.ts";

const HOSTS: readonly HostDescription[] = [raspberryPi4, raspberryPi5, armServer, x86Svm];
const PROJECT_ROOT = resolve(import.meta.dirname, "../..");

interface Counts {
  passed: number;
  failed: number;
}

function count(counts: Counts, event: HostEvent): void {
  switch (event.type) {
    case "pass":
      counts.passed++;
      console.log(`ok      ${event.name} (${Math.round(event.milliseconds)} ms)`);
      break;
    case "fail":
      counts.failed++;
      console.log(
        `not ok  ${event.name} (${Math.round(event.milliseconds)} ms)\n${event.reason.replaceAll(/^/gm, "        ")}`,
      );
      break;
    case "skip":
      // A host has all that its suites need: a test that does not run there is lost.
      counts.failed++;
      console.log(`not ok  ${event.name} (skipped)`);
      break;
    case "note":
      console.log(`#       ${event.text}`);
      break;
    case "end":
  }
}

async function runHost(host: HostDescription): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0 };
  const start = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "skiff-hardware-"));
  const log = join(CACHE_FOLDER, `${host.name}.log`);
  console.log(`# ${host.name}: ${host.summary}`);
  try {
    const { kernel, root } = await gather(host, PROJECT_ROOT);
    const initramfs = join(folder, "initramfs");
    await writeFile(initramfs, root);
    console.log(`# started after ${elapsed(start)}; console in ${log}`);
    await runMachine(host, { kernel, initramfs, log }, (event) => count(counts, event));
    if (counts.passed + counts.failed === 0) throw new BedError(`${host.name} ran no test`);
  } catch (error) {
    if (!(error instanceof BedError)) throw error;
    counts.failed++;
    console.log(`not ok  ${error.message}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`# ${host.name}: ${counts.passed} passed, ${counts.failed} failed, ${elapsed(start)}`);
  return counts;
}

function elapsed(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

function chooseHosts(names: readonly string[]): readonly HostDescription[] {
  const unknown = names.filter((name) => !HOSTS.some((host) => host.name === name));
  if (unknown.length > 0) {
    throw new BedError(`no host ${unknown.join(", ")}; there is: ${HOSTS.map((host) => host.name).join(", ")}`);
  }
  return names.length === 0 ? HOSTS : HOSTS.filter((host) => names.includes(host.name));
}

try {
  const total: Counts = { passed: 0, failed: 0 };
  mkdirSync(CACHE_FOLDER, { recursive: true });
  for (const host of chooseHosts(process.argv.slice(2))) {
    const { passed, failed } = await runHost(host);
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof BedError)) throw error;
  console.error(`test:hardware: ${error.message}`);
  process.exitCode = 1;
}
