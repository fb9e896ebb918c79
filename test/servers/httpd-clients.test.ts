import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { run, succeed } from "../support/command.ts";
import { describeWith, program } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import { type RunningServer, startServer } from "./running.ts";
import { makeArchive } from "./site.ts";

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) >> 7));

describeWith(
  [...compiler, program("tar", "tar"), program("curl", "curl"), program("ab", "apache2-utils"), program("wrk", "wrk")],
  "httpd and clients that others wrote",
  () => {
    const folder = temporaryFolder();
    let tar: RunningServer;
    let builtIn: RunningServer;

    beforeAll(async () => {
      const site = join(folder, "site");
      mkdirSync(join(site, "sub"), { recursive: true });
      writeFileSync(join(site, "sub/index.html"), "<p>sub\n");
      writeFileSync(join(site, "content.bin"), CONTENT);
      const archive = makeArchive(site, join(folder, "site.tar"), "pax", 512);
      tar = await startServer(buildServer("httpd-tar", folder), [`--block:content=${archive}`, "--cache=0"]);
      builtIn = await startServer(buildServer("httpd", folder));
    });

    /** Runs curl without a user's settings; gives what it wrote by --write-out, or its output. */
    const curl = (...words: readonly string[]) => succeed("curl", "--disable", "--silent", "--noproxy", "*", ...words);
    const url = (path: string) => `http://127.0.0.1:${tar.port}${path}`;

    it("curl gets a file, whole and in two halves", () => {
      const whole = join(folder, "whole");
      curl("--output", whole, url("/content.bin"));
      expect(readFileSync(whole).equals(CONTENT)).toBe(true);
      const resumed = join(folder, "resumed");
      writeFileSync(resumed, CONTENT.subarray(0, 123_456));
      curl("--continue-at", "-", "--output", resumed, url("/content.bin"));
      expect(readFileSync(resumed).equals(CONTENT)).toBe(true);
    });

    it("curl gets nothing anew that it has", () => {
      const words = ["--output", join(folder, "again"), "--write-out", "%{http_code}"];
      expect(curl(...words, "--etag-save", join(folder, "tag"), url("/content.bin"))).toBe("200");
      expect(curl(...words, "--etag-compare", join(folder, "tag"), url("/content.bin"))).toBe("304");
      expect(curl(...words, "--time-cond", join(folder, "site/content.bin"), url("/content.bin"))).toBe("304");
    });

    it("curl follows a redirection, in HTTP/1.0 too", () => {
      for (const version of ["--http1.0", "--http1.1"]) {
        expect(curl(version, "--location", url("/sub"))).toBe("<p>sub\n");
      }
    });

    it("curl uses a connection again, after a refused upload as well", () => {
      const words = ["--write-out", "%{http_code} %{num_connects}\n", "--output", "/dev/null"];
      const upload = [
        ...words,
        "--data",
        "x".repeat(1000),
        url("/content.bin"),
        "--next",
        "--silent",
        "--noproxy",
        "*",
      ];
      expect(curl(...upload, ...words, url("/sub/"))).toBe("405 1\n200 0\n");
    });

    it("curl learns at once that a large upload is refused", () => {
      const words = ["--output", "/dev/null", "--write-out", "%{http_code}", "--expect100-timeout", "25"];
      expect(
        curl(...words, "--upload-file", join(folder, "site.tar"), "--header", "Expect: 100-continue", url("/x")),
      ).toBe("405");
      const { stdout } = run("curl", [
        ...[
          "--disable",
          "--silent",
          "--noproxy",
          "*",
          ...words,
          "--header",
          "Expect:",
          "--header",
          "Content-Length: 9999999",
        ],
        ...["--upload-file", join(folder, "site.tar"), url("/x")],
      ]);
      expect(stdout).toBe("413");
    });

    it("curl cannot leave the root", () => {
      const words = ["--path-as-is", "--output", "/dev/null", "--write-out", "%{http_code}"];
      expect(curl(...words, url("/../../etc/passwd"))).toBe("400");
      expect(curl(...words, url("/sub/%2e%2e/%2e%2e/etc/passwd"))).toBe("400");
    });

    it.each([
      ["with keep-alive", ["-k"], "/"],
      ["without", [], "/"],
      ["from the disk", ["-k"], "/content.bin"],
    ])("ab gets every answer, %s", (_how, words, path) => {
      const { port } = path === "/" ? builtIn : tar;
      const size = path === "/" ? 4096 : CONTENT.length;
      const output = succeed("ab", "-q", "-n", "1000", "-c", "16", ...words, `http://127.0.0.1:${port}${path}`);
      expect(output).toMatch(/^Complete requests: +1000$/m);
      expect(output).toMatch(/^Failed requests: +0$/m);
      expect(output).not.toMatch(/Non-2xx/);
      expect(output).toMatch(new RegExp(`^Document Length: +${size} bytes$`, "m"));
      expect(output).toMatch(new RegExp(`^HTML transferred: +${size * 1000} bytes$`, "m"));
      if (words.includes("-k")) expect(output).toMatch(/^Keep-Alive requests: +1000$/m);
    });

    it("wrk gets nothing but good answers", () => {
      const output = succeed("wrk", "-t", "1", "-c", "32", "-d", "1s", `http://127.0.0.1:${builtIn.port}/`);
      expect(output).toMatch(/ [1-9]\d* requests in /);
      expect(output).not.toMatch(/Socket errors|Non-2xx/);
    });
  },
);
