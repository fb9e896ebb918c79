import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeRootFolder, parseLdd, refuseInContainer } from "../../../src/lab/container/root-folder.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const folder = temporaryFolder();

test("reads the libraries that ldd tells", () => {
  const output = [
    "\tlinux-vdso.so.1 (0x00007ffd5d5f2000)",
    "\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f8a1c0de000)",
    "\t/lib64/ld-linux-x86-64.so.2 (0x00007f8a1c3f5000)",
  ].join("\n");
  expect(parseLdd(output, "/bin/x")).toEqual(["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"]);
  expect(parseLdd("\tnot a dynamic executable\n", "/bin/x")).toEqual([]);
  expect(() => parseLdd("\tlibgone.so.1 => not found\n", "/bin/x")).toThrow("/bin/x needs libgone.so.1");
});

test("holds a dynamic program with all that it needs: it runs there", () => {
  const note = join(folder, "note.txt");
  writeFileSync(note, "seen from inside");
  const root = makeRootFolder(
    { kind: "host", name: "cat", path: "/bin/cat", args: [note], reads: [note], memoryMib: 16, writes: "/var/lib/w" },
    join(folder, "root"),
  );
  const { stdout, stderr } = spawnSync("chroot", [root.path, ...root.words], { encoding: "utf8" });
  expect(`${stdout}${stderr}`).toBe("seen from inside");
  expect(existsSync(join(root.path, "var/lib/w"))).toBe(true);
  expect(root.writes).toBe("/var/lib/w");
  expect(root.sizeBytes).toBeGreaterThan(100_000);
});

test("refuses what is no Linux program", () => {
  const image = { kind: "image", name: "i", paths: ["/i"], args: [], memoryMib: 1 } as const;
  const unknown = { kind: "kit", name: "no-such", args: [], memoryMib: 1 } as const;
  expect(refuseInContainer(image)?.reason).toBe("an image is not a Linux program");
  expect(refuseInContainer(unknown)?.reason).toBe("the kit has no Linux build of no-such");
  expect(refuseInContainer({ ...unknown, name: "prime" })).toBeUndefined();
});
