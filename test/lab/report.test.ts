import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import type { Result } from "../../src/lab/manifest.ts";
import { analyse, headlines } from "../../src/lab/report/analysis.ts";
import { compareResults, usualBasis, worseThan } from "../../src/lab/report/compare.ts";
import { comparisonText } from "../../src/lab/report/compare-text.ts";
import { toCsv } from "../../src/lab/report/csv.ts";
import { resultOf, toDocument, toJson } from "../../src/lab/report/document.ts";
import { csv, html, markdown, plain } from "../../src/lab/report/escape.ts";
import { toMarkdown } from "../../src/lab/report/markdown.ts";
import { referencesFor, STUDIES, TOPICS } from "../../src/lab/report/published.ts";
import { toText } from "../../src/lab/report/text.ts";
import { WORKLOADS } from "../../src/lab/workload/registry.ts";
import { KV, type MadeTarget, madeResult, PRIME, SIZE } from "./made-result.ts";

const TARGETS: readonly MadeTarget[] = [
  { name: "native", factor: 1 },
  { name: "native-veth", factor: 1.001 },
  { name: "runc", factor: 1.2 },
  { name: "qemu-tcg", title: "QEMU (TCG)", factor: 9, warning: "slow by design" },
];
const result = madeResult(TARGETS, [PRIME, KV, SIZE], { seed: 3, blocks: 20 });

function withSamples(from: Result, change: (sample: Result["samples"][number]) => Result["samples"][number]): Result {
  return { ...from, samples: from.samples.map(change) };
}

describe("analysis", () => {
  it("finds what was put in", () => {
    const [prime] = analyse(result).tables;
    expect(prime?.findings.map(({ target, role, verdict }) => [target.name, role, verdict])).toEqual([
      ["native", "baseline", null],
      ["native", "again", null],
      ["native-veth", "compared", "none"],
      ["runc", "compared", "cost"],
      ["qemu-tcg", "compared", "cost"],
    ]);
    const runc = prime?.findings[3];
    expect(runc?.estimate?.ratio).toBeGreaterThan(1.18);
    expect(runc?.estimate?.ratio).toBeLessThan(1.22);
    expect(runc?.delta).toBeGreaterThan(0.9);
  });

  it("judges rates the other way round, and does not judge what is not compared", () => {
    const tables = analyse(result).tables;
    const kv = tables.find(({ workload }) => workload.name === "kv");
    expect(kv?.findings.find(({ target }) => target.name === "runc")).toMatchObject({ verdict: "cost" });
    const size = tables.find(({ workload }) => workload.name === "image-size");
    expect(size?.findings.every(({ verdict }) => verdict === null)).toBe(true);
    expect(headlines(tables).map(({ metric }) => metric.name)).toEqual(["event", "get", "size"]);
  });

  it("sets blocks aside by signals alone, keeps outliers, and says so", () => {
    const disturbed = withSamples(result, (sample) => {
      if (sample.target !== "runc" || sample.workload !== "prime") return sample;
      if (sample.block === 4) return { ...sample, signals: ["client"] };
      if (sample.block === 5) return { ...sample, values: null, failure: "hung" };
      return sample.block === 6 ? { ...sample, values: { event: 1e6 } } : sample;
    });
    const { tables, warnings } = analyse(disturbed);
    const runc = tables[0]?.findings.find(({ target }) => target.name === "runc");
    expect(runc?.series).toMatchObject({ blocks: 20, setAside: 1, failed: 1 });
    expect(runc?.points.map(({ value }) => value)).toContain(1e6);
    expect(runc?.points.filter(({ inUse }) => !inUse)).toHaveLength(1);
    expect(warnings.join("\n")).toMatch(/1 sample set aside \(runc\): the client had no processor time left/);
    expect(warnings.join("\n")).toMatch(/runc gave no number in 1 of 20 blocks: hung/);
  });

  it("warns of emulated KVM, of a target's own trouble, of noise, of other paths, of a run without its end", () => {
    const loud = madeResult(TARGETS, [PRIME], { seed: 3, blocks: 10, noise: 0.3 });
    const lines = analyse({ ...loud, manifest: { ...loud.manifest, ended: null } }).warnings.join("\n");
    expect(lines).toMatch(/KVM is emulated here \(900 ns an instruction\)/);
    expect(lines).toMatch(/QEMU \(TCG\): slow by design/);
    expect(lines).toMatch(/Native differs from native, and no less can be told: .*up to/);
    expect(lines).toMatch(/has not come to its end/);
    const tapped = withSamples(result, (sample) => (sample.target === "runc" ? { ...sample, path: "tap" } : sample));
    expect(analyse(tapped).warnings.join("\n")).toMatch(/reached by veth, others by another path: runc \(tap\)/);
  });
});

describe("forms", () => {
  it("writes a terminal's table", () => {
    const text = toText(analyse(result), { colour: false });
    expect(text).toMatch(/^ {2}runc +1\d\d µs {2}▲ costs (19|20)-2[012] %$/m);
    expect(text).toMatch(/^ {2}QEMU \(TCG\) +\d+ µs {2}▲ costs [\d.]+-[\d.]+ times native$/m);
    expect(text).toMatch(/Firecracker: firecracker is not on PATH\n {4}mend: install it/);
    expect(text).not.toContain("\u001b");
    expect(toText(analyse(result), { colour: true })).toContain("\u001b[31m▲ costs");
  });

  it("writes Markdown and CSV with as many cells in each row", () => {
    const analysis = analyse(result);
    const rows = toMarkdown(analysis)
      .split("\n\n")
      .filter((part) => part.startsWith("| "));
    expect(rows.length).toBeGreaterThan(4);
    for (const table of rows) {
      const widths = table
        .trim()
        .split("\n")
        .map((line) => line.split(/(?<!\\)\|/).length);
      expect(new Set(widths).size).toBe(1);
    }
    const lines = toCsv(analysis).trimEnd().split("\r\n");
    expect(lines).toHaveLength(1 + 4 * 5);
    expect(new Set(lines.map((line) => line.split(",").length)).size).toBe(1);
    expect(lines[4]).toMatch(/^prime,event,µs,lower,runc,compared,1\d\d/);
  });

  it("writes JSON after its published schema, from which the same report comes again", () => {
    const validate = new Ajv2020({ allowUnionTypes: true }).compile(
      JSON.parse(readFileSync(new URL("../../docs/bench-schema.json", import.meta.url), "utf8")),
    );
    const analysis = analyse(result);
    const document = JSON.parse(toJson(analysis));
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...document, tables: [{}] })).toBe(false);
    expect(toDocument(analyse(resultOf(document)))).toEqual(toDocument(analysis));
  });

  it("lets no name do more than be shown", () => {
    expect(html(`<script>alert("1")</script>&'`)).toBe("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;");
    expect(markdown("a|b`c`\n# [x](y) <img>")).toBe("a\\|b\\`c\\` \\# \\[x\\](y) \\<img\\>");
    expect(plain("a\u001b[2Jb\r\nc\u202ed")).toBe("a\ufffd[2Jb c\ufffdd");
    expect([csv("=1+1"), csv('a,"b"'), csv(-1), csv(null)]).toEqual(["'=1+1", '"a,""b"""', "-1", ""]);
  });
});

describe("published numbers", () => {
  it("carry source and mark, and none from memory is drawn beside measurements", () => {
    for (const { source, numbers } of STUDIES) {
      expect(source).not.toBe("");
      for (const { mark, ratios } of numbers) {
        expect(["S", "R", "P", "M"]).toContain(mark);
        if (ratios !== undefined) expect(mark).not.toBe("M");
      }
    }
    expect(referencesFor("prime", "event").map(({ label }) => label)).toContain("OSv, x86 (EuCNC 2018 [S])");
    expect(referencesFor("kv", "get").length).toBe(6);
    expect(referencesFor("image-size", "size")).toEqual([]);
  });
});

describe("comparison", () => {
  const again = madeResult(TARGETS, [PRIME, KV], { seed: 11, blocks: 30 });
  const slower = madeResult(
    TARGETS.map((target) => (target.name === "runc" ? { ...target, factor: target.factor * 1.1 } : target)),
    [PRIME, KV],
    { seed: 12, blocks: 30 },
  );

  it("finds a planted slowdown of 10 %, and none between alike", () => {
    const found = worseThan(compareResults(again, slower, "cost"), 0.05);
    expect(found.map(({ workload, target }) => `${workload} ${target}`)).toEqual(["prime runc", "kv runc", "kv runc"]);
    const same = compareResults(again, madeResult(TARGETS, [PRIME, KV], { seed: 13, blocks: 30 }), "cost");
    expect(same.changes.filter(({ change }) => change === "worse" || change === "better")).toEqual([]);
    expect(worseThan(compareResults(again, slower, "cost"), 0.2)).toEqual([]);
  });

  it("compares numbers on the same machine, costs on another, and lists what only one has", () => {
    const { machine } = again.manifest.host;
    const host = { ...again.manifest.host, machine: { ...machine, processor: "Cortex-A53" } };
    expect(usualBasis(again, slower)).toBe("value");
    expect(usualBasis(again, { ...slower, manifest: { ...slower.manifest, host } })).toBe("cost");
    const compared = compareResults(again, madeResult(TARGETS.slice(0, 2), [PRIME], { seed: 14 }), "value");
    expect(compared.onlyFirst).toContain("prime, event, runc");
    expect(compared.onlySecond).toEqual([]);
    expect(comparisonText(compared, { colour: false })).toMatch(/only in the first: kv, get, native/);
  });
});

describe("published numbers", () => {
  it("have a workload of the lab's beside which they are drawn, for each of their topics", () => {
    const drawable = TOPICS.filter(({ workload, metric }) =>
      WORKLOADS.some(({ name, metrics }) => workload.test(name) && metrics.some((one) => metric.test(one.name))),
    );
    const used = new Set(STUDIES.flatMap(({ numbers }) => numbers.flatMap(({ topic }) => topic ?? [])));
    expect([...new Set(drawable.map(({ topic }) => topic))].sort()).toEqual([...used].sort());
  });
});
