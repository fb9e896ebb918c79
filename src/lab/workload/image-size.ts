import { outputOf } from "./kit-output.ts";
import type { Workload } from "./workload.ts";

const BYTES_PER_KIB = 1024;

/** What has to be stored and copied to run a program that writes one line. */
export const IMAGE_SIZE: Workload = {
  name: "image-size",
  title: "Image size",
  description:
    "Bytes of what a start reads of a program that writes one line: the executable, the image, the root folder, or the guest's kernel with its initial file system.",
  metrics: [{ name: "size", title: "image or bundle", unit: "KiB", better: "lower", compared: false }],
  quick: false,
  network: false,
  program: () => ({ kind: "kit", name: "hello", args: [], memoryMib: 16 }),
  sample: async ({ start, leftMs }) => {
    const { instance, imageBytes } = await start();
    // The size of what does not run is of no interest.
    await outputOf(instance, leftMs());
    return { size: imageBytes / BYTES_PER_KIB };
  },
};
