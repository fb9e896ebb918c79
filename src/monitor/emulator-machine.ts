import { BYTES_PER_MIB } from "../format/memory.ts";
import { claimPages, releasePages } from "../host/mapping.ffi.ts";
import { HostClock } from "../host/transfer.ffi.ts";
import { UsageError } from "./error.ts";
import { hostDevices } from "./host-devices.ts";
import type { HostedEngine, HostedMachine, HostedMachineOptions } from "./hosted-machine.ts";
import { checkMemory, HvtMachine } from "./hvt-machine.ts";
import { loadEmulator } from "./load-emulator.ts";

/**
 * Makes a machine with its guest loaded; its frames are hypercalls, which cost little here, so it has no network ring.
 * @throws {UsageError} where memory does not fit, or the host has no room for it. Nothing stays behind.
 */
function makeEmulatorMachine(options: HostedMachineOptions): HostedMachine {
  const { image, memoryMib, commandLine, devices, console } = options;
  const { EmulatorEngine, EMULATOR_MEMORY_BYTES_MAX } = loadEmulator();
  checkMemory(image, memoryMib, { whose: "a guest in the emulator", bytes: EMULATOR_MEMORY_BYTES_MAX });
  const { block, net, waitFor } = hostDevices(devices);
  const makeEngine = () =>
    new EmulatorEngine(memoryMib * BYTES_PER_MIB, { addressOf: claimPages, release: releasePages });
  const engine = withMemory(memoryMib, makeEngine);
  try {
    const machine = new HvtMachine(engine, { image, commandLine, console, clock: new HostClock(), block, net });
    const debugging = { engine, limits: engine.debugLimits };
    return { machine, memory: engine.memory, waitFor, debugging, offerRing: () => undefined };
  } catch (error) {
    engine.close();
    throw error;
  }
}

/** Runs AArch64 guests on any host. */
export const EMULATOR: HostedEngine = { makeMachine: makeEmulatorMachine, hasRings: false };

function withMemory<Made>(memoryMib: number, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`--mem ${memoryMib}: this host has no room for so much; give the guest less, e.g. --mem 64`, {
      cause: error,
    });
  }
}
