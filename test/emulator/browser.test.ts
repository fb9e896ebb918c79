import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AARCH64_FAULTS } from "../engine/kvm/fault-cases.ts";
import { runNative } from "../guests/guest.ts";
import { kitImagePath } from "../support/guest.ts";
import { describeWith, program } from "../support/needs.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const NATIVE = process.arch === "arm64" ? "aarch64" : "x86_64";
const HELLO = "Hello from a unikernel.\nCommand line: over the sea\n";
const [FAULT] = AARCH64_FAULTS;

describeWith([program("chromium", "chromium")], "an AArch64 image in a page", () => {
  let server: Server;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(ROOT, "src/browser.ts")],
      bundle: true,
      write: false,
      platform: "browser",
      format: "esm",
    });
    const library = outputFiles[0]?.contents ?? new Uint8Array();
    const contents = (path: string): readonly [type: string, bytes: Uint8Array] | undefined => {
      if (path === "/") return ["text/html", readFileSync(join(ROOT, "docs/browser.html"))];
      if (path === "/browser.js") return ["text/javascript", library];
      if (path === "/fault.hvt") return ["application/octet-stream", FAULT.image];
      const [, name] = /^\/([a-z0-9-]+)\.hvt$/.exec(path) ?? [];
      if (name === undefined) return undefined;
      return ["application/octet-stream", readFileSync(kitImagePath(name, "hvt", "aarch64"))];
    };
    server = createServer(({ url = "" }, response) => {
      const found = contents(url);
      if (found === undefined) return response.writeHead(404).end();
      return response.writeHead(200, { "content-type": found[0] }).end(found[1]);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const bound = server.address();
    address = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}/`;
    // The sandbox needs rights that root in a container may lack; the page is the test's own.
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function open(): Promise<{ readonly page: Page; readonly errors: string[] }> {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("console", (message) => errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(address);
    return { page, errors };
  }

  async function start(page: Page, image: string, line: string): Promise<void> {
    await page.getByLabel("Image").fill(image);
    await page.getByLabel("Command line").fill(line);
    await page.getByRole("button", { name: "Run" }).click();
  }

  const text = (page: Page) => page.locator("#console").textContent();
  async function end(page: Page): Promise<string> {
    const status = page.locator("#end:not(:empty)");
    await status.waitFor({ state: "attached" });
    return (await status.textContent()) ?? "";
  }

  it("says hello there", async () => {
    const { page, errors } = await open();
    await start(page, "hello.hvt", "over the sea");
    expect(await end(page)).toBe("ended with status 0");
    expect(await text(page)).toBe(HELLO);
    expect(errors.filter((line) => !line.includes("404"))).toEqual([]);
    await page.close();
  });

  it.each([
    ["prime", "10"],
    ["sha256", "3"],
  ])("computes what the native %s computes", async (name, line) => {
    const { page } = await open();
    await start(page, `${name}.hvt`, line);
    expect(await end(page)).toBe("ended with status 0");
    const checksum = /checksum=\S+/;
    expect(checksum.exec((await text(page)) ?? "")?.[0]).toBe(checksum.exec(runNative(NATIVE, name, line).output)?.[0]);
    await page.close();
  });

  it("leaves the page its event loop, waits, and is stopped", async () => {
    const { page } = await open();
    for (const [image, line] of [
      ["prime.hvt", "1000000000"],
      ["time.hvt", "1 3600000000000"],
    ] as const) {
      await start(page, image, line);
      await page.getByRole("button", { name: "Stop" }).click();
      expect(await end(page)).toBe("stopped");
    }
    await start(page, "hello.hvt", "over the sea");
    expect(await end(page)).toBe("ended with status 0");
    await page.close();
  });

  it("tells of a guest that cannot go on, and refuses in one line", async () => {
    const { page } = await open();
    await start(page, "fault.hvt", "");
    expect(await end(page)).toBe(`the guest ${FAULT.says}`);
    await start(page, "net.hvt", "");
    expect(await end(page)).toBe("net: the image declares the net device 'service'; give it by that name");
    await start(page, "absent", "");
    expect(await end(page)).toBe("absent: 404");
    await page.close();
  });
});
