import type { Architecture } from "../../format/image.ts";
import { findProgram } from "../../host/probe/program.ts";
import { type Lack, lack } from "../lack.ts";
import type { GuestParts } from "./guest.ts";
import { findGuestKernel } from "./kernel.ts";

/** What of this host a Linux guest is made of; why there is none, where a part is missing. */
export function findGuestParts(architecture: Architecture): Pick<GuestParts, "kernel" | "busybox"> | Lack {
  const kernel = findGuestKernel();
  if (kernel === undefined) {
    const name = architecture === "x86-64" ? "linux-image-cloud-amd64" : "linux-image-cloud-arm64";
    return lack("there is no kernel for a guest, or it may not be read: /boot/vmlinuz-*", `apt-get install ${name}`);
  }
  const busybox = findProgram("busybox");
  if (busybox === undefined) return lack("busybox is not installed", "apt-get install busybox-static");
  return { kernel, busybox };
}
