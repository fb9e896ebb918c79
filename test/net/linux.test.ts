import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, bundle } from "../bundle.ts";
import { bundledSkiff } from "../cli/bundled-skiff.ts";
import { type Running, start } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { programsOfTests } from "./programs.ts";

const TIME_LIMIT_MS = 120_000;
const ARCHITECTURE = process.arch === "arm64" ? "aarch64" : "x86_64";
const GUEST_ADDRESS = "10.0.0.2";
const OPTION = `--ipv4=${GUEST_ADDRESS}/24`;

const needs = [root, program("gcc", "gcc"), program("ip", "iproute2"), program("ping", "iputils-ping")];

/** The server of guests/servers/services as a native program: on Linux's sockets, or with the stack on a tap. */
function native(name: "services" | "services-tap"): string {
  return join(import.meta.dirname, "../../guests/native", ARCHITECTURE, name);
}

describeWith(needs, "Linux's TCP", () => {
  const namespace = namespaceOfTests();
  const skiff = bundledSkiff();
  const { compileTool } = programsOfTests();
  let client: Bundle;
  let badLink = "";
  let guest: Running | undefined;

  beforeAll(async () => {
    namespace.addTap("tap0", "10.0.0.1/24");
    badLink = compileTool("bad_link");
    client = await bundle("test/net/client.ts");
  }, TIME_LIMIT_MS);

  afterAll(() => client.remove());

  afterEach(async () => {
    guest?.kill("SIGTERM");
    await guest?.ended;
    guest = undefined;
  });

  async function startGuest(starting: () => Running): Promise<void> {
    guest = namespace.inside(starting);
    await guest.printed(/services: ready/);
  }

  async function ask(address: string, ...words: readonly (string | number)[]): Promise<void> {
    const asking = namespace.inside(() => start(process.execPath, [client.path, address, ...words.map(String)]));
    const { end, stdout, stderr } = await asking.ended;
    expect({ end, stdout, stderr }).toEqual({ end: 0, stdout: "whole\n", stderr: "" });
  }

  const startOnTap = () => startGuest(() => start(native("services-tap"), ["--mem=64", "--net:service=tap0", OPTION]));
  const startImage = () =>
    startGuest(() => skiff.start(["run", "--mem", "64", "--net", "service=tap0", kitImagePath("services"), OPTION]));

  describe.each([
    ["a native program", startOnTap],
    ["a unikernel in the process engine", startImage],
  ])("and the stack in %s", (_, startStack) => {
    it("ping each other", async () => {
      await startStack();
      for (const bytes of [0, 56, 1472]) {
        const { stdout } = namespace.run("ping", "-c", "3", "-i", "0.1", "-s", String(bytes), GUEST_ADDRESS);
        expect(stdout).toContain("3 received");
      }
    });

    it.each([
      ["source", 8_000_000, 1],
      ["source", 1_000_000, 20],
      ["discard", 8_000_000, 1],
      ["discard", 1_000_000, 20],
      ["echo", 8_000_000, 1],
      ["echo", 1_000_000, 20],
      ["dialogue", 16_000, 5],
      ["echo", 1, 500],
      ["relay", 4_000_000, 1],
      ["relay", 500_000, 20],
      ["refusal", 0, 10],
    ])(
      "exchange: %s of %i bytes on %i connections",
      { timeout: TIME_LIMIT_MS },
      async (service, bytes, connections) => {
        await startStack();
        await ask(GUEST_ADDRESS, service, bytes, connections);
      },
    );

    it("refuse a port without a listener", async () => {
      await startStack();
      const asking = `require("net").connect(1234, "${GUEST_ADDRESS}").on("error", ({ code }) => console.log(code))`;
      expect(namespace.run(process.execPath, "-e", asking).stdout).toBe("ECONNREFUSED\n");
    });
  });

  describe("and the stack, over a link that loses 5 % each way, doubles 1 % and reorders 2 %,", () => {
    it.each([
      ["source", 3_000_000, 1, 1],
      ["source", 300_000, 10, 2],
      ["discard", 3_000_000, 1, 3],
      ["discard", 300_000, 10, 4],
      ["echo", 2_000_000, 1, 5],
      ["echo", 200_000, 10, 6],
      ["dialogue", 800, 10, 7],
      ["relay", 200_000, 5, 8],
    ])("%s of %i bytes on %i connections, seed %i", { timeout: TIME_LIMIT_MS }, async (service, bytes, count, seed) => {
      const quality = [50_000, 10_000, 20_000, 2000, seed].map(String);
      const command = [native("services-tap"), "--mem=64", "--net:service=@3", OPTION];
      await startGuest(() => start(badLink, ["tap0", ...quality, ...command]));
      await ask(GUEST_ADDRESS, service, bytes, count);
    });
  });

  it("and the same server on Linux's sockets, with few descriptors, exchange on many connections in turn", async () => {
    await startGuest(() => start("sh", ["-c", 'ulimit -n 40 && exec "$0" --mem=64', native("services")]));
    await ask("127.0.0.1", "echo", 100, 300);
  });

  it.each([
    ["source", 8_000_000, 4],
    ["discard", 8_000_000, 4],
    ["echo", 8_000_000, 4],
    ["dialogue", 16_000, 5],
    ["echo", 1, 500],
    ["relay", 4_000_000, 1],
    ["relay", 500_000, 20],
    ["refusal", 0, 10],
  ])(
    "and the same server on Linux's sockets: %s of %i bytes on %i connections",
    async (service, bytes, connections) => {
      await startGuest(() => start(native("services"), ["--mem=64"]));
      await ask("127.0.0.1", service, bytes, connections);
    },
  );
});
