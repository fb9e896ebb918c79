import { join } from "node:path";
import { expect, it } from "vitest";
import { describeWith } from "../support/needs.ts";
import { SEED } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildHarness, compiler, sourcesOf } from "./build.ts";
import { fuzz } from "./fuzz.ts";

const LIMIT_MS = 240_000;
const ZONE = join(import.meta.dirname, "zones/example.zone");

describeWith(compiler, `dnsd under sanitizers, seed ${SEED}`, () => {
  const folder = temporaryFolder();

  it("answers 400000 queries and reads 40000 zone files, however they are broken", { timeout: LIMIT_MS }, () => {
    const harness = buildHarness("dnsd_fuzz", sourcesOf("dnsd"), folder);
    expect(fuzz(harness, `${SEED}`, "400000", ZONE)).toMatch(
      /^400000 queries, [1-9]\d{5} answered, 40000 zones, [1-9]\d{3,} read\n$/,
    );
  });
});
