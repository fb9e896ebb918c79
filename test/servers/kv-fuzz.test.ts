import { beforeAll, expect, it } from "vitest";
import { describeWith } from "../support/needs.ts";
import { SEED } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { compiler } from "./build.ts";
import { fuzz } from "./fuzz.ts";
import { compileKv, linkKv } from "./kv-build.ts";

const LIMIT_MS = 240_000;

describeWith(compiler, `kv under sanitizers, seed ${SEED}`, () => {
  const folder = temporaryFolder();
  let objects = "";
  beforeAll(() => {
    objects = compileKv(folder);
  }, LIMIT_MS);

  it.each(["kv_tables", "kv_values", "kv_numbers"])(
    "keeps its parts to plain models: %s",
    { timeout: LIMIT_MS },
    (name) => {
      expect(fuzz(linkKv(name, objects, folder), `${SEED}`, "100000")).toBe("100000 of each\n");
    },
  );

  it("answers streams of requests, however they are broken, cut and read", { timeout: LIMIT_MS }, () => {
    const harness = linkKv("kv_fuzz", objects, folder);
    expect(fuzz(harness, `${SEED}`, "6000", "49152")).toBe("6000 streams, memory ended in 0\n");
    for (const heapKib of ["260", "400", "800"]) {
      expect(fuzz(harness, `${SEED}`, "1000", heapKib)).toMatch(/^1000 streams, memory ended in [1-9]\d*\n$/);
    }
  });

  // A crash in the middle of every kind of write: of records, of a log's rewriting, of the superblock.
  it.each([
    [512, 132, 8192],
    [512, 1024, 8192],
    [4096, 512, 8192],
    [32_768, 1024, 8192],
    [512, 2048, 200],
  ])(
    "finds on its device, in blocks of %i bytes on %i KiB, what it had acknowledged, with a heap of %i KiB",
    {
      timeout: LIMIT_MS,
    },
    (...numbers) => {
      const harness = linkKv("kv_crash", objects, folder);
      const output = fuzz(harness, `${SEED}`, "300", ...numbers.map(String));
      const [crashes, wiped] = numbers[2] === 8192 ? ["300", "0"] : ["[1-9]\\d+", "\\d+"];
      expect(output).toMatch(
        new RegExp(
          `^300 runs, ${crashes} crashes, ${wiped} wiped, \\d+ requests, [1-9]\\d* rewritings, \\d+ refused\n$`,
        ),
      );
    },
  );
});
