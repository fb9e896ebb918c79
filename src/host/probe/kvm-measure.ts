import { withDeadline } from "./deadline.ffi.ts";
import { type KvmDevice, KvmMachine, type LoopGuest } from "./kvm-machine.ffi.ts";

/**
 * Times the guest loop of an architecture.
 * @returns nanoseconds an instruction, rounded to three digits; undefined where not even the first loop ended within the limit.
 * @throws {HostError} or {RangeError} where KVM refuses to run it.
 */
export function timeGuestLoop(
  device: KvmDevice,
  guest: LoopGuest,
  options: { readonly pageBytes: number; readonly limitMs: number; readonly roundsFirst?: number },
): number | undefined {
  const machine = new KvmMachine(device, guest, options.pageBytes);
  try {
    const roundNs = withDeadline(device.libc, machine, options.limitMs, () =>
      measureRound((rounds) => machine.runLoop(rounds), options.roundsFirst),
    );
    return roundNs === undefined ? undefined : Number((roundNs / INSTRUCTIONS_PER_ROUND).toPrecision(3));
  } finally {
    machine.close();
  }
}

const INSTRUCTIONS_PER_ROUND = 2;
const ROUNDS_FIRST = 1000;
const ROUNDS_MAX = 1_000_000;
/** A run this long is long against what entering and leaving the guest costs, at most about a millisecond. */
const RUN_NS_ENOUGH = 5_000_000;
const TRIES = 3;

/**
 * Measures one round of a loop, with ever more rounds until the loop itself outweighs what surrounds it. The quickest of
 * three tries counts, so that a busy host does not make a quick loop look slow.
 * @param run runs so many rounds: nanoseconds, or undefined where a deadline ended it.
 * @returns nanoseconds a round of the longest measured loop; undefined where there is none.
 */
export function measureRound(
  run: (rounds: number) => number | undefined,
  roundsFirst: number = ROUNDS_FIRST,
): number | undefined {
  let roundNs: number | undefined;
  for (let rounds = roundsFirst; ; rounds *= 10) {
    let quickestNs: number | undefined;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const elapsedNs = run(rounds);
      if (elapsedNs === undefined) return quickestNs === undefined ? roundNs : quickestNs / rounds;
      quickestNs = Math.min(elapsedNs, quickestNs ?? elapsedNs);
    }
    if (quickestNs === undefined) return roundNs;
    roundNs = quickestNs / rounds;
    if (quickestNs >= RUN_NS_ENOUGH || rounds * 10 > ROUNDS_MAX) return roundNs;
  }
}
