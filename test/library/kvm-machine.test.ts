import { AARCH64_FAULTS, X86_64_FAULTS } from "../engine/kvm/fault-cases.ts";
import { hostArchitecture } from "../support/guest.ts";
import { kvm } from "../support/kvm.ts";
import { testHostedMachines } from "./hosted-machine.ts";

const [images, faults] = hostArchitecture === "x86-64" ? ["x86_64", X86_64_FAULTS] : ["aarch64", AARCH64_FAULTS];

testHostedMachines({ engine: "kvm", images, needs: [kvm], fault: faults[0], memoryMax: 4096 });
