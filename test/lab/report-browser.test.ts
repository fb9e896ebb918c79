import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { analyse } from "../../src/lab/report/analysis.ts";
import { toHtml } from "../../src/lab/report/html.ts";
import { describeWith, program } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { KV, madeResult, PRIME, SIZE } from "./made-result.ts";

const HOSTILE = `</title><script>document.title="run"</script><img src=x onerror="document.title='run'">"'&`;
const BLOCKS = 20;

describeWith([program("chromium", "chromium")], "the report in a browser", () => {
  const folder = temporaryFolder();
  const file = join(folder, "report.html");
  let browser: Browser;

  beforeAll(async () => {
    const targets = [
      { name: "native", factor: 1 },
      { name: "native-veth", factor: 1 },
      { name: "runc", factor: 1.2, warning: HOSTILE },
      { name: "hostile", title: HOSTILE, factor: 1 },
    ];
    const workloads = [PRIME, { ...KV, title: HOSTILE }, SIZE];
    writeFileSync(file, toHtml(analyse(madeResult(targets, workloads, { seed: 5, blocks: BLOCKS }))));
    // The sandbox needs rights that root in a container may lack; the page is the test's own.
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  });
  afterAll(() => browser?.close());

  async function open(options: { colorScheme: "light" | "dark"; javaScriptEnabled: boolean; width?: number }) {
    const page = await browser.newPage({ ...options, viewport: { width: options.width ?? 1280, height: 900 } });
    const requests: string[] = [];
    const errors: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => errors.push(message.text()));
    await page.goto(pathToFileURL(file).href);
    return { page, requests, errors };
  }

  it.each(["light", "dark"] as const)("is read without JavaScript, %s, and asks for nothing", async (colorScheme) => {
    const { page, requests } = await open({ colorScheme, javaScriptEnabled: false });
    expect(requests).toEqual([pathToFileURL(file).href]);
    expect(await page.locator("h1").innerText()).toBe("What isolation costs");
    expect(await page.locator(".summary td.r-cost").first().innerText()).toMatch(/^▲ costs \d+-\d+ %/);
    expect(await page.locator("svg").first().locator("circle").count()).toBe(5 * BLOCKS);
    const picture = await page.screenshot({ fullPage: true });
    expect(picture.length).toBeGreaterThan(100_000);
    await page.close();
  });

  it("has letters that stand out from their ground in both colour schemes", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await open({ colorScheme, javaScriptEnabled: true });
      const ratios = await page.evaluate<number[]>(CONTRASTS);
      expect(ratios.length, colorScheme).toBeGreaterThan(50);
      expect(Math.min(...ratios), colorScheme).toBeGreaterThan(4.5);
      await page.close();
    }
  });

  it("shows hostile names as they are, and runs nothing of them", async () => {
    const { page, requests, errors } = await open({ colorScheme: "light", javaScriptEnabled: true });
    expect(await page.title()).toBe("What isolation costs on Raspberry Pi 4 Model B Rev 1.4");
    expect(await page.locator("script, img, iframe, a").count()).toBe(0);
    expect(await page.locator(".summary tbody th").last().innerText()).toContain(
      '<script>document.title="run"</script>',
    );
    expect([requests.length, errors]).toEqual([1, []]);
    await page.close();
  });

  it("does not widen the page of a telephone", async () => {
    const { page } = await open({ colorScheme: "light", javaScriptEnabled: true, width: 390 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    await page.close();
  });
});

/** Contrast of every text with its ground (WCAG 2.2, "contrast ratio"); runs in the page. */
const CONTRASTS = `(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const ground = channels(getComputedStyle(at).backgroundColor);
      if (ground.length === 3 || ground[3] > 0) return ground;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("h1, h2, h3, p, th, td, small, li, .verdict, strong")]
    .filter((element) => element.textContent.trim() !== "")
    .map((element) => {
      const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(groundOf(element))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
})()`;
