import { Command } from "commander";
import type { Abi, Architecture, Image, Rights } from "../format/image.ts";
import { MIN_HEAP_BYTES, minimumMemoryMib } from "../format/memory.ts";
import { type EngineName, enginesOf } from "../monitor/engine-choice.ts";
import { UsageError } from "../monitor/error.ts";
import { readImageFile } from "../monitor/image-file.ts";
import { print } from "./print.ts";

/** An engine that can run the image, and on hosts of which architecture. */
interface EngineReport {
  readonly name: EngineName;
  readonly host: Architecture;
}

/** What `skiff inspect --json` prints. Fields may be added; none of these changes its name or meaning. */
export interface ImageReport {
  /** The path as it was given. */
  readonly image: string;
  readonly architecture: Architecture;
  readonly abi: { readonly name: Abi; readonly version: number };
  /** Lightest first; empty where this Skiff has none. */
  readonly engines: readonly EngineReport[];
  /** Why there is no engine, and how to mend it; absent where there is one. */
  readonly noEngineReason?: string;
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
    .addHelpText("after", HELP)
    .action((path: string, { json }: { json?: boolean }) => {
      const report = describe(path, readImageFile(path));
      print(json ? `${JSON.stringify(report, undefined, 2)}\n` : format(report));
    });
}

const HELP = `
Examples:
  skiff inspect guests/images/x86_64/net.spt
  skiff inspect --json guests/images/x86_64/net.spt | jq .memory.minimumMib

Exit status: 0, or 1 with one line where the file is no usable image.`;

/** @param path as the user gave it. */
export function describe(path: string, image: Image): ImageReport {
  return {
    image: path,
    architecture: image.architecture,
    abi: { name: image.abi, version: image.abiVersion },
    ...engines(image),
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

function engines(image: Image): Pick<ImageReport, "engines" | "noEngineReason"> {
  try {
    return { engines: enginesOf(image).map(({ engine, host }) => ({ name: engine, host })) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { engines: [], noEngineReason: error.message };
  }
}

function formatRights({ read, write, execute }: Rights): string {
  return `${read ? "r" : "-"}${write ? "w" : "-"}${execute ? "x" : "-"}`;
}

function format(report: ImageReport): string {
  const { image, architecture, abi, entry, devices, segments, memory } = report;
  const rows: [label: string, lines: string[]][] = [
    ["image", [image]],
    ["architecture", [architecture]],
    ["abi", [`${abi.name}, version ${abi.version}`]],
    ["engines", formatEngines(report)],
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

function formatEngines({ engines, noEngineReason }: ImageReport): string[] {
  if (noEngineReason !== undefined) return [`none: ${noEngineReason}`];
  const names = [...new Set(engines.map(({ name }) => name))];
  return names.map((name) => {
    const hosts = engines.filter((engine) => engine.name === name).map(({ host }) => host);
    return `${name}, on an ${hosts.join(" or ")} host`;
  });
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
