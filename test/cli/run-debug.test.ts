import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { start } from "../support/command.ts";
import { RemoteClient } from "../support/gdb.ts";
import { kitImagePath } from "../support/guest.ts";
import { kvm } from "../support/kvm.ts";
import { describeWith } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const skiff = bundledSkiff();
const folder = temporaryFolder();
const cores = join(folder, "cores");
const REMARK = /^skiff: this host's KVM emulates the processor.*\n/m;
const image = (name: string) => kitImagePath(name, "hvt");

beforeAll(() => {
  mkdirSync(cores);
  writeFileSync(join(folder, "file"), "");
  copyFileSync(kitImagePath("hello"), join(folder, "hello.spt"));
});

describeWith([kvm], "skiff run for debuggers", () => {
  it("writes a core file where the guest aborts, and none where it does not", () => {
    expect(skiff.run(["run", "--core", cores, image("hello")]).end).toBe(0);
    expect(readdirSync(cores)).toEqual([]);
    const { end, stderr } = skiff.run(["run", "--mem", "8", "--core", cores, image("protection"), "null-write"]);
    const [core = ""] = readdirSync(cores);
    expect(core).toMatch(/^core\.skiff\.[0-9]+$/);
    expect([end, stderr.replace(REMARK, "")]).toEqual([255, `skiff: wrote the guest's core: ${join(cores, core)}\n`]);
  });

  it("lets a debugger run the guest", async () => {
    const [node, file] = skiff.command();
    const guest = start(node, [file, "run", "--mem", "8", "--gdb", "0", image("status"), "7"]);
    onTestFinished(async () => {
      guest.kill("SIGKILL");
      await guest.ended;
    });
    const [, port] = /localhost:(\d+)/.exec(await guest.complained(/localhost:\d+/)) ?? [];
    const client = await RemoteClient.connect(Number(port));
    expect(await client.ask("?")).toBe("S05");
    expect(await client.ask("c")).toBe("W07");
    expect((await guest.ended).end).toBe(7);
  });
});

describe("skiff run refuses", () => {
  it("a folder for core files in which there can be none", () => {
    const nosuch = join(folder, "nosuch");
    const file = join(folder, "file");
    expect(skiff.run(["run", "--core", nosuch, image("hello")])).toEqual(
      mistake(`--core ${nosuch}: there is no such folder; make it with mkdir`),
    );
    expect(skiff.run(["run", "--core", file, image("hello")])).toEqual(
      mistake(`--core ${file}: that is no folder; give the path of one`),
    );
  });

  it("what is no port", () => {
    for (const port of ["x", "65536", "-1", "1.5"]) {
      expect(skiff.run(["run", "--gdb", port, image("hello")])).toEqual(
        mistake(`--gdb ${port}: a port is a number up to 65535, e.g. 1234; 0 chooses one`),
      );
    }
  });

  it("both for a guest that will be a process", () => {
    for (const words of [
      ["--core", cores],
      ["--gdb", "0"],
    ]) {
      expect(skiff.run(["run", ...words, join(folder, "hello.spt")])).toEqual(
        mistake(
          `${words[0]}: it is for the kvm engine and the emulator; this guest will be a process, take gdb -p or the host's core dumps (ulimit -c)`,
        ),
      );
    }
  });
});
