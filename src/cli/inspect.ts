import { Command } from "commander";
import type { Abi, Architecture, Image, Rights } from "../format/image.ts";
import { MIN_HEAP_BYTES, minimumMemoryMib } from "../format/memory.ts";
import { SUPPORTED_ABI_VERSIONS } from "../format/require.ts";
import { readImageFile } from "../monitor/image-file.ts";
import { print } from "./print.ts";

/** An engine that can run the image, and on hosts of which architecture. */
interface EngineReport {
  readonly name: "process" | "kvm" | "emulator";
  readonly host: Architecture | "any";
}

/** What `skiff inspect --json` prints. Fields may be added; none of these changes its name or meaning. */
export interface ImageReport {
  /** The path as it was given. */
  readonly image: string;
  readonly architecture: Architecture;
  readonly abi: { readonly name: Abi; readonly version: number };
  /** Lightest first; empty where Skiff has none for this ABI or its version. */
  readonly engines: readonly EngineReport[];
  /** Address of the first instruction. */
  readonly entry: number;
  /** In the manifest's order; a device's handle is what the guest calls it by. */
  readonly devices: readonly { readonly handle: number; readonly name: string; readonly type: "block" | "net" }[];
  /** In ascending order; bytes from `fileBytes` to `memoryBytes` are zero. */
  readonly segments: readonly {
    readonly address: number;
    readonly memoryBytes: number;
    readonly fileBytes: number;
    /** As `ls` writes them: `r-x`. */
    readonly rights: string;
  }[];
  readonly memory: {
    /** First address above the segments. */
    readonly endAddress: number;
    /** What Solo5's bindings want above it. */
    readonly minimumHeapBytes: number;
    /** Both together, rounded up. */
    readonly minimumMib: number;
  };
}

export function command(): Command {
  return new Command("inspect")
    .description("Show what an image is, which engines can run it, and which devices and how much memory it needs.")
    .argument("<image>", "path of the image")
    .option("--json", "print one JSON object, for programs")
    .action((path: string, { json }: { json?: boolean }) => {
      const report = describe(path, readImageFile(path));
      print(json ? `${JSON.stringify(report, undefined, 2)}\n` : format(report));
    });
}

/** @param path as the user gave it. */
export function describe(path: string, image: Image): ImageReport {
  return {
    image: path,
    architecture: image.architecture,
    abi: { name: image.abi, version: image.abiVersion },
    engines: enginesOf(image),
    entry: image.entry,
    devices: image.manifest.devices.map(({ index, name, type }) => ({ handle: index, name, type })),
    segments: image.segments.map(({ address, memoryBytes, content, rights }) => ({
      address,
      memoryBytes,
      fileBytes: content.length,
      rights: formatRights(rights),
    })),
    memory: {
      endAddress: image.endAddress,
      minimumHeapBytes: MIN_HEAP_BYTES,
      minimumMib: minimumMemoryMib(image),
    },
  };
}

function enginesOf({ abi, abiVersion, architecture }: Image): EngineReport[] {
  if (abiVersion !== SUPPORTED_ABI_VERSIONS.get(abi)) return [];
  if (abi === "spt") return [{ name: "process", host: architecture }];
  const kvm: EngineReport = { name: "kvm", host: architecture };
  return architecture === "aarch64" ? [kvm, { name: "emulator", host: "any" }] : [kvm];
}

function formatRights({ read, write, execute }: Rights): string {
  return `${read ? "r" : "-"}${write ? "w" : "-"}${execute ? "x" : "-"}`;
}

function format({ image, architecture, abi, engines, entry, devices, segments, memory }: ImageReport): string {
  const rows: [label: string, lines: string[]][] = [
    ["image", [image]],
    ["architecture", [architecture]],
    ["abi", [`${abi.name}, version ${abi.version}`]],
    ["engines", engines.map(({ name, host }) => `${name}, on ${host === "any" ? "any host" : `an ${host} host`}`)],
    ["entry", [address(entry)]],
    ["devices", table(devices.map(({ name, type, handle }) => [name, type, `handle ${handle}`]))],
    [
      "segments",
      table(segments.map((row) => [address(row.address), row.rights, `${row.memoryBytes} bytes`, fileNote(row)])),
    ],
    [
      "memory",
      [
        `at least ${memory.minimumMib} MiB: the segments end at ${address(memory.endAddress)},`,
        `and Solo5's bindings want ${memory.minimumHeapBytes / 1024} KiB above for heap and stack`,
      ],
    ],
  ];
  const lines = rows.flatMap(([label, values]) =>
    (values.length === 0 ? ["none"] : values).map((value, index) => `${(index === 0 ? label : "").padEnd(14)}${value}`),
  );
  return `${lines.join("\n")}\n`;
}

function fileNote({ fileBytes, memoryBytes }: ImageReport["segments"][number]): string {
  if (fileBytes === memoryBytes) return "";
  return fileBytes === 0 ? "all zero" : `${memoryBytes - fileBytes} of them zero`;
}

function address(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Lines up columns; the last of a row is not padded. */
function table(rows: readonly string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
