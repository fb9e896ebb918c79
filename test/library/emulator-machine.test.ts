import { EMULATOR_MEMORY_BYTES_MAX } from "../../src/engine/emulator/engine.ts";
import { AARCH64_FAULTS } from "../engine/kvm/fault-cases.ts";
import { testHostedMachines } from "./hosted-machine.ts";

const [fault] = AARCH64_FAULTS;
const memoryMax = Math.floor(EMULATOR_MEMORY_BYTES_MAX / 2 ** 20);

testHostedMachines({ engine: "emulator", images: "aarch64", needs: [], fault, memoryMax });
