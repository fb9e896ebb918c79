import { EMULATOR_MEMORY_BYTES_MAX } from "../../src/engine/emulator/engine.ts";
import { AARCH64_FAULTS } from "../engine/kvm/fault-cases.ts";
import { testHostedGuests } from "./hosted-guests.ts";

testHostedGuests({
  engine: "emulator",
  images: "aarch64",
  needs: [],
  faults: AARCH64_FAULTS,
  reason: "an image of the hvt ABI for aarch64 runs in the emulator",
  remark: "",
  memoryMax: Math.floor(EMULATOR_MEMORY_BYTES_MAX / 2 ** 20),
  memoryOwner: "a guest in the emulator",
});
