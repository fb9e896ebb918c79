// node scripts/run-ts.mjs bench/emulator/once.ts KERNEL [ROUNDS [REPEATS]]: one kernel in the emulator, in this process.
// In place of a kernel's name, the path of an AArch64 hvt image: the words behind it are the guest's.
import { join } from "node:path";
import { IMAGES, runImage } from "./guest.ts";

const [name = "", ...words] = process.argv.slice(2);
const [image, guestWords] = name.endsWith(".hvt") ? [name, words] : [join(IMAGES, "kernels.hvt"), [name, ...words]];
process.stdout.write(runImage(image, guestWords));
