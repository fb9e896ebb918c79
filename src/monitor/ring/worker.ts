/** The program of the thread that serves the network rings of this process' guests; `RingThread` starts it. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { NET_RING_ADDRESS, NetRing } from "../../abi/hvt-ring.ts";
import { NetDevice } from "../../device/net.ts";
import { currentThread, interrupt } from "../../engine/kvm/time-slice.ffi.ts";
import { EpollSet, EventDescriptor } from "../../host/epoll.ffi.ts";
import { viewMapped } from "../../host/mapping.ffi.ts";
import { hostAddress } from "../../memory/address.ts";
import { GuestMemory } from "../../memory/guest-memory.ts";
import { HostFrames } from "../host-backends.ts";
import { Polling } from "./polling.ts";
import { CONTROL, type RingCommand, type RingParts, RingRecord, type RingThreadData, STATE } from "./protocol.ts";

/** Of one ring at a time, so that the others and commands do not wait long. */
const REQUESTS_AT_ONCE = 64;
/** While rings are awake: rounds between two looks at doorbells and commands. */
const ROUNDS_BETWEEN_LOOKS = 64;
/** The number of `wake` in the set; rings have numbers above. */
const WAKE = 0;

/** A guest's ring; asleep until its doorbell rings. */
class Served {
  readonly #doorbell: EventDescriptor;
  isAwake = false;
  #servedMs = 0;
  readonly #ring: NetRing;
  readonly #record: RingRecord;
  readonly #guestThread: number;

  constructor({ memoryAddress, memoryBytes, devices, doorbell, guestThread }: RingParts, record: RingRecord) {
    const memory = new GuestMemory(viewMapped(memoryAddress, memoryBytes), hostAddress(memoryAddress));
    const net = devices.map(
      ({ index, descriptor, ...shape }) => [index, new NetDevice(new HostFrames(descriptor), shape)] as const,
    );
    this.#ring = new NetRing(memory, NET_RING_ADDRESS, new Map(net));
    this.#record = record;
    this.#guestThread = guestThread;
    this.#doorbell = new EventDescriptor(doorbell);
  }

  /**
   * Serves what waits.
   * @param pollMs how long nothing may have waited.
   * @returns how many requests were served; undefined where the ring is asleep now.
   */
  serve(nowMs: number, pollMs: number): number | undefined {
    if (!this.#record.enter()) return undefined;
    try {
      const count = this.#ring.serve(REQUESTS_AT_ONCE);
      if (this.#ring.broken !== undefined) {
        this.#break(this.#ring.broken);
        return undefined;
      }
      this.#record.count("requests", count);
      if (count > 0) this.#servedMs = nowMs;
      return nowMs - this.#servedMs > pollMs && this.#ring.sleep() ? undefined : count;
    } finally {
      this.#record.leave();
    }
  }

  /** The doorbell rang. @returns whether there is something to serve. */
  answerBell(): boolean {
    if (!this.#record.enter()) return false;
    try {
      this.#record.count("bells", this.#doorbell.drain());
      this.#ring.wake();
    } finally {
      this.#record.leave();
    }
    this.#servedMs = performance.now();
    return true;
  }

  #break(reason: string): void {
    this.#record.break(reason);
    interrupt(this.#guestThread);
  }

  lose(reason: string): void {
    this.#record.lose(reason);
    interrupt(this.#guestThread);
  }
}

class RingServer {
  readonly #port = parentPort;
  readonly #control: RingThreadData["control"];
  readonly #set = new EpollSet();
  readonly #wake: EventDescriptor;
  readonly #rings = new Map<number, Served>();
  #awake: Served[] = [];
  readonly #polling = new Polling();
  #hasEnded = false;

  constructor({ control, wake }: RingThreadData) {
    this.#control = control;
    this.#wake = new EventDescriptor(wake);
    this.#set.change("add", wake, WAKE, "level");
  }

  run(): void {
    Atomics.store(this.#control, CONTROL.thread, currentThread());
    this.#enter(STATE.running);
    try {
      for (let round = 0; !this.#hasEnded; round++) {
        if (this.#awake.length === 0) this.#look(-1);
        else if (round % ROUNDS_BETWEEN_LOOKS === 0) this.#look(0);
        if (this.#awake.length > 0) this.#serveAwake();
      }
    } catch (error) {
      for (const ring of this.#rings.values()) ring.lose(error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      this.#enter(STATE.ended);
      this.#set.close();
    }
  }

  #serveAwake(): void {
    const nowMs = performance.now();
    const pollMs = this.#polling.begin(nowMs);
    let total = 0;
    let fellAsleep = false;
    for (const ring of this.#awake) {
      const count = ring.serve(nowMs, pollMs);
      total += count ?? 0;
      ring.isAwake = count !== undefined;
      fellAsleep ||= !ring.isAwake;
    }
    if (fellAsleep) this.#awake = this.#awake.filter((ring) => ring.isAwake);
    this.#polling.end(nowMs, total, this.#awake.length === 0);
  }

  #look(timeoutMs: number): void {
    const count = this.#set.wait(timeoutMs);
    let hasCommands = false;
    for (let place = 0; place < count; place++) {
      const id = this.#set.id(place);
      if (id === WAKE) hasCommands = true;
      else this.#awaken(this.#rings.get(id));
    }
    if (hasCommands) this.#obey();
  }

  #awaken(ring: Served | undefined): void {
    if (!ring?.answerBell() || ring.isAwake) return;
    ring.isAwake = true;
    this.#awake.push(ring);
  }

  #obey(): void {
    this.#wake.drain();
    if (this.#port === null) return;
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#handle(received.message);
    }
  }

  #handle(command: RingCommand): void {
    if (command.type === "end") this.#hasEnded = true;
    else if (command.type === "add") this.#add(command.id, command.ring);
    else this.#rings.delete(command.id);
  }

  #add(id: number, parts: RingParts): void {
    const record = new RingRecord(parts.record);
    if (!record.enter()) return;
    try {
      this.#rings.set(id, new Served(parts, record));
      // It leaves the set by itself once the guest's thread has closed it and KVM the machine; until then it may be ready.
      this.#set.change("add", parts.doorbell, id, "edge");
    } finally {
      record.leave();
    }
  }

  #enter(state: number): void {
    Atomics.store(this.#control, CONTROL.state, state);
    Atomics.notify(this.#control, CONTROL.state);
    this.#port?.postMessage(state);
  }
}

new RingServer(workerData as RingThreadData).run();
