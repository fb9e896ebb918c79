import { type BlockingSocket, connectSocket } from "../../host/socket.ffi.ts";
import { SampleError } from "../lack.ts";
import type { KitProgram } from "../program.ts";
import { median } from "../statistics/order.ts";
import { ECHO_PORT, linkOf, untilEchoes } from "./echo.ts";
import { type Exchange, exchangeStamps, isSameClock, STAMPS_ANSWER_BYTES, stampsRequest } from "./stamps.ts";
import type { Metric, Started, Taking, Values, Workload } from "./workload.ts";

const WARM_UP_ROUNDS = 50;
const ROUNDS_MIN = 20;
/** Of one request, for the time of one. */
const CALLS = 200;
/** How long the first of two requests keeps its server busy, so that the second waits when it ends. */
const BUSY_NS = 50_000;
const ANSWER_LIMIT_MS = 1_000;
const PHASES = 3;
const NS_PER_US = 1000;

const METRICS = [
  metric("hypercall", "Hypercall, or system call: ask the devices for news", "ns"),
  metric("io-out", "I/O Latency Out: from a program's send to its peer", "µs"),
  metric("io-in", "I/O Latency In: from a peer's send to the program", "µs"),
  metric("switch", "VM Switch: a second instance on the core", "µs"),
];

function metric(name: string, title: string, unit: string): Metric {
  return { name, title, unit, better: "lower", compared: true };
}

/** Why the study's other rows have no numbers on any target. */
const NOT_MEASURABLE = [
  "Interrupt Controller Trap: a unikernel has no interrupt controller, and a program in a Linux guest does not reach its kernel's",
  "Virtual IPI: the guests have one virtual processor",
  "Virtual IRQ Completion: a unikernel gets no interrupts, it asks for news; a program in a Linux guest completes none",
];

/** The microbenchmarks of Dall et al., "ARM Virtualization: Performance and Architectural Implications" (ISCA 2016), table 1. */
export const TRANSITIONS: Workload = {
  name: "transitions",
  title: "Transitions between guest and host",
  description: `A server of the kit tells when it got a datagram and when it gave its answer away, with ${CALLS} calls between them or none. Calls are timed by its own clock; I/O from the server's stamp to the client's, where both show the host's monotonic clock. The switch is what two requests at once take longer when each goes to its own instance, both on one core, than when both go to one. Interrupt controller traps, virtual IPIs and IRQ completions are out of the programs' reach.`,
  metrics: METRICS,
  quick: false,
  network: true,
  program: stampsServer,
  sample: async (taking) => {
    const first = await taking.start();
    await untilEchoes(taking, linkOf(first));
    const { callNs, ...alone } = over(taking, [first], ([socket]) => measureOne(socket, taking));
    const switchUs = linkOf(first).path === "loopback" ? oneOnly(taking) : await measureSwitch(first, taking, callNs);
    for (const line of NOT_MEASURABLE) taking.note(line);
    return { hypercall: callNs, ...alone, ...switchUs };
  },
};

function stampsServer(): KitProgram & { readonly port: number } {
  return { kind: "kit", name: "stamps", args: [], memoryMib: 32, port: ECHO_PORT };
}

function oneOnly({ note }: Taking): Values {
  note("VM Switch: on one loopback there is room for one such server alone");
  return {};
}

type Sockets = readonly [BlockingSocket, ...BlockingSocket[]];

/** Calls a client with a socket to each server. */
function over<Result>(taking: Taking, servers: readonly Started[], measure: (sockets: Sockets) => Result): Result {
  const limitMs = Math.min(ANSWER_LIMIT_MS, taking.leftMs());
  return taking.client.call(() => {
    const open: BlockingSocket[] = [];
    try {
      for (const server of servers) {
        const address = linkOf(server).serverAddress;
        const socket = connectSocket({ transport: "udp", address, port: ECHO_PORT }, limitMs);
        if (socket === undefined) throw new SampleError(`no way to ${address}`);
        open.push(socket);
      }
      const [first, ...more] = open;
      if (first === undefined) throw new SampleError("there is no server");
      return measure([first, ...more]);
    } finally {
      for (const socket of open) socket.close();
    }
  });
}

function measureOne(socket: BlockingSocket, { scale, note }: Taking): { readonly callNs: number } & Values {
  const phaseMs = scale.sampleMs / PHASES;
  const idle = rounds(phaseMs, () => exchangeStamps(socket, 0));
  const busy = rounds(phaseMs, () => exchangeStamps(socket, CALLS));
  const callNs = (medianOf(busy, inside) - medianOf(idle, inside)) / CALLS;
  if (!isSameClock(idle)) {
    note(
      "I/O Latency Out, I/O Latency In: its clock is not this host's monotonic clock, so that one way cannot be timed",
    );
    return { callNs };
  }
  return {
    callNs,
    "io-out": medianOf(idle, ({ leftNs, answeredNs }) => answeredNs - leftNs) / NS_PER_US,
    "io-in": medianOf(idle, ({ askedNs, arrivedNs }) => arrivedNs - askedNs) / NS_PER_US,
  };
}

function inside({ arrivedNs, leftNs }: Exchange): bigint {
  return leftNs - arrivedNs;
}

function medianOf(exchanges: readonly Exchange[], span: (exchange: Exchange) => bigint): number {
  return median(exchanges.map((exchange) => Number(span(exchange)))) ?? Number.NaN;
}

async function measureSwitch(first: Started, taking: Taking, callNs: number): Promise<Values> {
  const second = await taking.start();
  await untilEchoes(taking, linkOf(second));
  const calls = Math.max(1, Math.round(BUSY_NS / Math.max(1, callNs)));
  const pairs = over(taking, [first, second], ([one, other]) =>
    rounds(taking.scale.sampleMs / PHASES, () => ({
      same: pairNs(one, one, calls),
      apart: pairNs(one, other ?? one, calls),
    })),
  );
  const middle = (of: "same" | "apart") => median(pairs.map((pair) => pair[of])) ?? Number.NaN;
  const us = (middle("apart") - middle("same")) / NS_PER_US;
  if (us > 0) return { switch: us };
  taking.note("VM Switch: a second instance took no longer than a second request");
  return {};
}

/** Two requests at once, the first of which keeps its server busy: until both are answered. */
function pairNs(first: BlockingSocket, second: BlockingSocket, calls: number): number {
  const answer = new Uint8Array(STAMPS_ANSWER_BYTES);
  const requests = [stampsRequest(calls), stampsRequest(0)] as const;
  const startNs = process.hrtime.bigint();
  first.send(requests[0]);
  second.send(requests[1]);
  for (const socket of [first, second]) {
    if (socket.receive(answer) !== STAMPS_ANSWER_BYTES) throw new SampleError("an answer did not come");
  }
  return Number(process.hrtime.bigint() - startNs);
}

/** What rounds of so long a time give, after some that do not count. */
function rounds<Round>(durationMs: number, take: () => Round): Round[] {
  for (let round = 0; round < WARM_UP_ROUNDS; round++) take();
  const taken: Round[] = [];
  const endMs = performance.now() + durationMs;
  while (taken.length < ROUNDS_MIN || performance.now() < endMs) taken.push(take());
  return taken;
}
