import type koffiModule from "koffi";

/**
 * POSIX timers of the C library: in librt until glibc 2.34 moved them into libc.
 * @param koffi given, so that it is loaded where it is needed and not before.
 */
export function declareTimers(koffi: typeof koffiModule) {
  const declareFrom = (library: string | null) => {
    const handle = koffi.load(library);
    return {
      timerCreate: handle.func("int timer_create(int, void *, void *)"),
      timerSettime: handle.func("int timer_settime(void *, int, void *, void *)"),
      timerDelete: handle.func("int timer_delete(void *)"),
    };
  };
  try {
    return declareFrom(null);
  } catch {
    return declareFrom("librt.so.1");
  }
}
