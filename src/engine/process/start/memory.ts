import type { StartEmitter } from "./emitter.ts";

// Linux include/uapi: mman.h, personality.h.
const PROT_READ_WRITE = 3;
const PROT_READ_WRITE_EXEC = 7;
const MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE = 0x10_0022;
const PERSONALITY_QUERY = 0xffff_ffff;
const MMAP_PAGE_ZERO_OR_READ_IMPLIES_EXEC = 0x50_0000;

export function checkPageSize(start: StartEmitter): void {
  const { pageBytesMax } = start.program;
  start.code.set("scratch0", pageBytesMax);
  start.code.compare("scratch0", "keep1");
  start.refuseIf("unsignedBelow", `this host's pages are larger than the ${pageBytesMax / 1024} KiB of the build`);
}

export function checkPersonality(start: StartEmitter): void {
  start.call("personality", PERSONALITY_QUERY);
  start.code.copy("arg0", "result");
  start.code.set("scratch0", MMAP_PAGE_ZERO_OR_READ_IMPLIES_EXEC);
  start.code.and("arg0", "scratch0");
  start.refuseUnlessEqual("arg0", 0, "the personality makes memory executable; start it without setarch's -X and -Z");
}

export function mapMemory(start: StartEmitter): void {
  const { zeros, imageEnd, memoryBytes, executableHeap } = start.program;
  const code = start.code;
  const mib = Math.floor(memoryBytes / 2 ** 20);
  const refusal = `${mib} MiB of guest memory cannot be had; free some, or give the guest less by --mem`;
  for (const { address, end } of zeros) {
    code.set("keep3", address);
    code.set("arg0", address);
    code.set("arg1", end - address);
    mapPrepared(start, PROT_READ_WRITE, refusal);
  }
  // The first host page above the image: (end + page - 1) & -page.
  code.set("keep3", imageEnd);
  code.add("keep3", "keep1");
  code.addConstant("keep3", -1);
  start.alignDownToPage("keep3");
  code.copy("arg0", "keep3");
  code.set("arg1", memoryBytes);
  code.subtract("arg1", "arg0");
  mapPrepared(start, executableHeap ? PROT_READ_WRITE_EXEC : PROT_READ_WRITE, refusal);
}

/** Maps the range whose address stands in `keep3` and `arg0`, and whose length in `arg1`. */
function mapPrepared(start: StartEmitter, protection: number, refusal: string): void {
  const code = start.code;
  code.set("arg2", protection);
  code.set("arg3", MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE);
  code.set("arg4", -1);
  code.set("arg5", 0);
  start.callPrepared("mmap");
  code.copy("arg1", "result");
  code.compare("arg1", "keep3");
  start.refuseIf("notEqual", refusal);
}

/** In pages without a file behind them: `ps` shows a command line from no others. */
export function copyBootInformation(start: StartEmitter): void {
  const { lowMemory, bootInformation } = start.program;
  const code = start.code;
  code.set("keep3", lowMemory.address);
  code.set("arg0", lowMemory.address);
  code.set("arg1", lowMemory.bytes);
  mapPrepared(start, PROT_READ_WRITE, "low memory cannot be mapped: set the sysctl vm.mmap_min_addr to 65536 or less");
  code.setAddress("arg0", start.dataLabel("boot information", bootInformation.content));
  code.set("arg1", bootInformation.address);
  code.set("arg2", bootInformation.address + bootInformation.content.length);
  const next = start.placeLabel("next word of the boot information");
  code.load("arg3", "arg0", 0, 8);
  code.store("arg3", "arg1", 0, 8);
  code.addConstant("arg0", 8);
  code.addConstant("arg1", 8);
  code.compare("arg1", "arg2");
  code.branch("unsignedBelow", next);
}
