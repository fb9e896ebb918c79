import { execFileSync } from "node:child_process";
import { closeSync, statSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { openNewTap } from "../support/new-tap.ffi.ts";
import { GUEST_ARCHITECTURE, temporaryFolder } from "../support/peers.ts";
import { ROOT, type Target } from "../support/report.ts";
import { residentKib } from "../support/resident.ts";
import { start, wait } from "../support/spawn.ffi.ts";
import { median, percentile } from "../support/statistics.ts";

const GUESTS = 256;
const MEMORY_MIB = 16;
const RESIDENT_MIB_MAX = 1.5;
const ANSWER_WITHIN_MS = 30_000;

/**
 * Web servers at once, each a guest on its own tap with its own address: the time from each one's exec to its first
 * answer, and the memory that it has resident then (the demonstration of ukvm on AArch64, 2017, had 8 MiB each).
 */
export async function density(): Promise<{ readonly targets: Target[]; readonly measured: Record<string, unknown> }> {
  const executable = join(temporaryFolder(), "httpd");
  const image = join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/httpd.spt`);
  execFileSync(process.execPath, [
    join(ROOT, "dist/skiff.cjs"),
    ...["build", image, "--mem", String(MEMORY_MIB), "--net", "service=@3", "-o", executable],
  ]);
  const taps = Array.from({ length: GUESTS }, (_, index) => openNewTap(`web${index}`));
  const batch = taps.map((_, index) => `addr add 10.4.${index}.1/24 dev web${index}\nlink set web${index} up`);
  execFileSync("ip", ["-batch", "-"], { input: `${batch.join("\n")}\n` });
  const pids: number[] = [];
  try {
    const firstAnswersMs = await Promise.all(
      taps.map((tap, index) => {
        const before = performance.now();
        pids.push(
          start({ path: executable, args: [`--ipv4=10.4.${index}.2/24`, "--connections=64"], descriptors: [tap] }),
        );
        return answered(`10.4.${index}.2`).then(() => performance.now() - before);
      }),
    );
    const residentMib = pids.map((pid) => residentKib(pid) / 1024);
    const largest = Math.max(...residentMib);
    const imageKib = statSync(image).size / 1024;
    console.log(
      `  ${GUESTS} web servers at once: image ${imageKib.toFixed(0)} KiB; first answer after median ${median(firstAnswersMs).toFixed(1)} ms, last ${Math.max(...firstAnswersMs).toFixed(1)} ms`,
    );
    console.log(
      `  resident memory of each: median ${median(residentMib).toFixed(3)} MiB, largest ${largest.toFixed(3)} MiB`,
    );
    return {
      targets: [
        { says: `MiB resident, the largest of ${GUESTS} web servers`, value: largest, limit: RESIDENT_MIB_MAX },
      ],
      measured: {
        guests: GUESTS,
        imageKib,
        firstAnswerMs: {
          median: median(firstAnswersMs),
          p99: percentile(firstAnswersMs, 0.99),
          max: Math.max(...firstAnswersMs),
        },
        residentMib: { median: median(residentMib), max: largest },
      },
    };
  } finally {
    for (const pid of pids) {
      process.kill(pid, "SIGKILL");
      wait(pid);
    }
    for (const tap of taps) closeSync(tap);
  }
}

function answered(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: address, path: "/index.html", timeout: ANSWER_WITHIN_MS }, (response) => {
      response.resume();
      response.once("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${address}: status ${response.statusCode}`)),
      );
    });
    request.once("timeout", () => request.destroy(new Error(`${address} did not answer`)));
    request.once("error", reject);
  });
}
