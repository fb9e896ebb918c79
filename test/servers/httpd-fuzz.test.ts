import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { succeed } from "../support/command.ts";
import { describeWith, program } from "../support/needs.ts";
import { SEED } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildHarness, compiler, sourcesOf } from "./build.ts";
import { fuzz } from "./fuzz.ts";

const LIMIT_MS = 240_000;

describeWith([...compiler, program("tar", "tar")], `httpd under sanitizers, seed ${SEED}`, () => {
  const folder = temporaryFolder();

  it("answers 100000 streams of requests, however they are broken and cut", { timeout: LIMIT_MS }, () => {
    const harness = buildHarness("httpd_fuzz", sourcesOf("httpd", "content_tar.c", "tar.c"), folder);
    expect(fuzz(harness, `${SEED}`, "100000")).toBe("100000 streams\n");
  });

  it("keeps its times, and tells them", { timeout: LIMIT_MS }, () => {
    const harness = buildHarness("httpd_clock", sourcesOf("httpd", "content_tar.c", "tar.c"), folder);
    expect(fuzz(harness)).toBe("");
  });

  it.each([512, 4096])(
    "answers 10000 streams from an archive in blocks of %i bytes",
    { timeout: LIMIT_MS },
    (block) => {
      const site = join(folder, `site${block}`);
      mkdirSync(join(site, "sub"), { recursive: true });
      writeFileSync(join(site, "index.html"), "<p>index\n");
      writeFileSync(join(site, "hello.txt"), "hello\n");
      writeFileSync(join(site, "sub/index.html"), "<p>sub\n");
      writeFileSync(join(site, "sub/large.bin"), Buffer.alloc(300_000, "0123456789abcdef!"));
      const archive = join(folder, `site${block}.tar`);
      succeed("tar", "-C", site, "-cf", archive, ".");
      const harness = buildHarness("httpd_fuzz", sourcesOf("httpd", "content_builtin.c"), folder, "httpd_tar_fuzz");
      expect(fuzz(harness, `${SEED + block}`, "10000", archive, `${block}`)).toBe("10000 streams\n");
    },
  );

  it("reads its disk wherever it lies, whatever fails meanwhile", { timeout: LIMIT_MS }, () => {
    expect(fuzz(buildHarness("disk_fuzz", [], folder), `${SEED}`, "100000")).toMatch(
      /^100000 reads, [12]\d{4} failed\n$/,
    );
  });

  it("refuses or serves 20000 broken archives", { timeout: LIMIT_MS }, () => {
    const harness = buildHarness("tar_fuzz", sourcesOf("httpd", "content_builtin.c"), folder);
    expect(fuzz(harness, `${SEED}`, "20000")).toMatch(/^20000 archives, [1-9]\d{3,} of them served\n$/);
  });
});
