import type { CgroupFacts } from "../host/probe/cgroup.ts";
import type { KvmFacts } from "../host/probe/kvm.ts";
import type { MemoryFacts } from "../host/probe/memory.ts";
import type { NamespaceFacts } from "../host/probe/namespace.ts";
import type { ToolFacts } from "../host/probe/tool.ts";
import type { DoctorReport } from "./doctor-report.ts";

/** Printed in three columns. */
type Row = readonly [mark: Mark, name: string, text: string];
type Mark = "ok" | "lacks" | "mend" | "";

/** ECMA-48, section 8.3.117, SGR. */
const BOLD = 1;
const COLOURS: Readonly<Record<Mark, number>> = { ok: 32, lacks: 33, mend: 36, "": 0 };
const LINE_COLUMNS = 100;
const MARK_COLUMNS = "lacks".length;
const NAME_COLUMNS = "qemu-system-aarch64".length;
const TEXT_COLUMN = 2 + MARK_COLUMNS + 2 + NAME_COLUMNS + 2;

/** Subjects of the lacks that belong to programs, not to the host. */
const TOOL_SUBJECTS = ["docker", "tools"];

/** A report as a screenful: what there is, what is lacking, and the commands that mend it. */
export function formatReport(report: DoctorReport, options: { readonly colour: boolean }): string {
  const title = (text: string) => paint(text, BOLD, options.colour);
  const rows = (list: readonly Row[]) => list.flatMap((row) => formatRow(row, options.colour));
  const lines = [
    title(`Skiff ${report.skiff} on ${report.machine.board ?? "this host"}`),
    ...rows(machineRows(report)),
    "",
    title("Engines"),
    ...rows(engineRows(report)),
    "",
    title("Host"),
    ...rows(hostRows(report)),
    "",
    title("Other runtimes"),
    ...rows(toolRows(report)),
  ];
  return `${lines.join("\n")}\n`;
}

/** A row as lines: prose is broken between words, a command stays whole so that it can be copied. */
function formatRow([mark, name, text]: Row, colour: boolean): string[] {
  const head = `  ${paint(mark.padEnd(MARK_COLUMNS), COLOURS[mark], colour)}  ${name.padEnd(NAME_COLUMNS)}  `;
  const indent = " ".repeat(TEXT_COLUMN);
  const texts = mark === "mend" ? [text] : breakText(text, LINE_COLUMNS - TEXT_COLUMN);
  return texts.map((part, index) => `${index === 0 ? head : indent}${part}`);
}

function breakText(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function paint(text: string, code: number, colour: boolean): string {
  return colour && code !== 0 ? `\u001b[${code}m${text}\u001b[0m` : text;
}

function machineRows({ machine }: DoctorReport): Row[] {
  const { processorCount, processor, architecture, memoryBytes, memoryAvailableBytes, kernel, pageBytes } = machine;
  return [
    ["", "processor", `${processorCount} x ${processor}, ${architecture}`],
    ["", "memory", `${gibibytes(memoryBytes)}, ${gibibytes(memoryAvailableBytes)} of it available`],
    ["", "kernel", `Linux ${kernel}, pages of ${pageBytes / 1024} KiB`],
  ];
}

function engineRows({ engines, kvm }: DoctorReport): Row[] {
  const slowly = (name: string) => (name === "kvm" && kvm.state === "emulated" ? ", slowly: this KVM emulates" : "");
  return engines.map(({ name, abi, imageArchitecture, runs, because }) =>
    runs
      ? ["ok", name, `runs ${abi} images of ${imageArchitecture}${slowly(name)}`]
      : ["lacks", name, because.join("; ")],
  );
}

function hostRows(report: DoctorReport): Row[] {
  const { memory, kvm, namespaces, cgroup, lacks } = report;
  const offers: readonly (readonly [subject: string, offer: string])[] = [
    ["memory", describeMemory(memory)],
    ["seccomp", "filters that end a process, without being root"],
    ["kvm", describeKvm(kvm)],
    ["tap", "this user may make taps"],
    ["namespaces", describeNamespaces(namespaces)],
    ["cgroup", describeCgroup(cgroup)],
  ];
  return offers.flatMap(([subject, offer]): Row[] => {
    const missing = lackRows(lacks.filter((lack) => lack.subject === subject));
    return missing.length > 0 ? missing : [["ok", subject, offer]];
  });
}

function toolRows({ tools, lacks }: DoctorReport): Row[] {
  const installed = tools.filter((tool) => tool.path !== null);
  return [
    ...installed.map((tool): Row => ["ok", tool.name, describeTool(tool)]),
    ...lackRows(lacks.filter(({ subject }) => TOOL_SUBJECTS.includes(subject))),
  ];
}

function lackRows(lacks: DoctorReport["lacks"]): Row[] {
  return lacks.flatMap(({ subject, reason, mend }): Row[] => [
    ["lacks", subject, reason],
    ...mend.map((command): Row => ["mend", "", command]),
  ]);
}

function describeMemory({ overcommit }: MemoryFacts): string {
  return `files in memory can run, guests can begin at their address, overcommit ${overcommit}`;
}

function describeKvm({ instructionNs, apiVersion, modules }: KvmFacts): string {
  return `real, ${instructionNs} ns an instruction, ${[`version ${apiVersion}`, ...modules].join(", ")}`;
}

function describeNamespaces({ user, mount, net, pid }: NamespaceFacts): string {
  return Object.entries({ user, mount, net, pid })
    .map(([kind, right]) => (right === "nested" ? `${kind} (inside a user namespace)` : kind))
    .join(", ");
}

function describeCgroup({ version, controllers }: CgroupFacts): string {
  return `version ${version}: ${controllers.length === 0 ? "no controllers" : controllers.join(", ")}`;
}

function describeTool({ name, version, service }: ToolFacts): string {
  if (name === "xl") return service === null ? "not running on Xen" : `Xen ${service}`;
  const told = version ?? "does not tell its version";
  return service === null ? told : `${told}, engine ${service}`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
