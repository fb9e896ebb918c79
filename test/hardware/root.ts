import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { ringWorker } from "../../scripts/ring-worker.mjs";
import { capture } from "./command.ts";
import { DebianArchive } from "./debian.ts";
import { BedError } from "./error.ts";
import type { HostDescription } from "./host.ts";
import { Initramfs } from "./initramfs.ts";
import { lockedPackage, unpackNpm } from "./npm.ts";

/** What Node's binary is linked with. */
const LIBRARY_PACKAGES = ["libc6", "libgcc-s1", "libstdc++6"];

/** The machine's first files: its kernel's path here, and its root file system's bytes. */
export interface BootContents {
  readonly kernel: string;
  readonly root: readonly Uint8Array[];
}

/**
 * Gathers what a host needs to start and to run its tests: kernel and modules, busybox, Node and its libraries, and Skiff
 * as its npm package holds it.
 */
export async function gather(host: HostDescription, projectRoot: string): Promise<BootContents> {
  const archive = new DebianArchive(host.kernel.debianArchitecture);
  const root = new Initramfs();
  for (const folder of ["/proc", "/sys", "/dev", "/tmp", "/root"]) root.addFolder(folder);
  root.addFile("/init", readFileSync(join(import.meta.dirname, "guest/init.sh")), 0o755);
  root.addFrom(join(archive.unpack("busybox-static", ["./bin/busybox"]), "bin"), "/bin");
  const kernel = addKernel(root, archive, host);
  addNode(root, archive, host);
  addSkiff(root, host, projectRoot);
  root.addFile("/skiff/host.json", Buffer.from(JSON.stringify(host)));
  await addTests(root, host);
  return { kernel, root: root.finish() };
}

function addKernel(root: Initramfs, archive: DebianArchive, host: HostDescription): string {
  const { debianPackage, debianRelease, modules } = host.kernel;
  const source = debianRelease === undefined ? archive : archive.ofRelease(debianRelease);
  const image = source.dependencies(debianPackage).find((name) => name.startsWith("linux-image-"));
  if (image === undefined) throw new BedError(`Debian's ${debianPackage} names no kernel`);
  const members = ["./boot/vmlinuz-*", ...modules.map((module) => `./lib/modules/*/${module}*`)];
  const folder = source.unpack(image, members);
  const release = readdirSync(join(folder, "lib/modules"))[0] ?? "";
  root.addFrom(join(folder, "lib/modules", release), "/lib/modules");
  root.addFile("/lib/modules/load", Buffer.from(modules.map((module) => `${module}\n`).join("")));
  return join(folder, "boot", `vmlinuz-${release}`);
}

function addNode(root: Initramfs, archive: DebianArchive, host: HostDescription): void {
  root.addFrom(join(unpackNpm(host.node), "bin/node"), "/bin/node");
  for (const name of LIBRARY_PACKAGES) {
    const folder = archive.unpack(name, ["*.so*"]);
    for (const part of ["lib", "lib64", "usr/lib"]) {
      const source = join(folder, part);
      if (existsSync(source)) root.addFrom(source, `/${part}`, (entry) => entry.name !== "gconv");
    }
  }
}

function addSkiff(root: Initramfs, host: HostDescription, projectRoot: string): void {
  if (!existsSync(join(projectRoot, "dist/skiff.cjs"))) throw new BedError("dist/ is not built: npm run build");
  for (const file of ["package.json", "dist", "guests/images", "node_modules/koffi"]) {
    root.addFrom(join(projectRoot, file), `/skiff/${file}`);
  }
  const native = `@koromix/koffi-linux-${host.node.architecture}`;
  root.addFrom(unpackNpm(lockedPackage(native, projectRoot)), `/skiff/node_modules/${native}`);
  root.addFile("/skiff/built-elsewhere/hello", buildHello(host, projectRoot), 0o755);
}

/** What `skiff build` makes of the host's hello image on this machine. */
function buildHello(host: HostDescription, projectRoot: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "skiff-hardware-"));
  try {
    const executable = join(folder, "hello");
    const image = `guests/images/${host.imageArchitecture}/hello.spt`;
    capture(process.execPath, ["dist/skiff.cjs", "build", image, "-o", executable], projectRoot);
    return readFileSync(executable);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function addTests(root: Initramfs, host: HostDescription): Promise<void> {
  const suites = host.suites.map((suite) => `import "./suites/${suite}.ts";`).join("\n");
  const define = await ringWorker();
  const common = { define, bundle: true, platform: "node", target: "node20", format: "esm", write: false } as const;
  const resolveDir = import.meta.dirname;
  for (const [file, contents] of [
    ["tests.mjs", suites],
    ["reporter.mjs", 'export { default } from "./guest/reporter.ts";'],
  ] as const) {
    const stdin = { contents, resolveDir };
    const { outputFiles } = await build({ ...common, stdin, packages: "external", logLevel: "warning" });
    root.addFile(`/skiff/${file}`, outputFiles[0]?.contents ?? new Uint8Array());
  }
}
