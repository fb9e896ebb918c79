import type { BlockingSocket } from "../../host/socket.ffi.ts";
import { SampleError } from "../lack.ts";

/** A request's way to the kit's `stamps` and back: by the client's monotonic clock, and by the server's between. */
export interface Exchange {
  readonly askedNs: bigint;
  readonly arrivedNs: bigint;
  readonly leftNs: bigint;
  readonly answeredNs: bigint;
}

/** Two numbers of 64 bits in network order: when the request arrived, when the answer left. */
export const STAMPS_ANSWER_BYTES = 16;

/** @param calls that the server makes to what is below it before it answers; at most a million. */
export function stampsRequest(calls: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(calls));
  return bytes;
}

/** @throws SampleError where no whole answer comes. */
export function exchangeStamps(socket: BlockingSocket, calls: number): Exchange {
  const request = stampsRequest(calls);
  const answer = new Uint8Array(STAMPS_ANSWER_BYTES);
  const askedNs = process.hrtime.bigint();
  const isAnswered = socket.send(request) === request.length && socket.receive(answer) === answer.length;
  const answeredNs = process.hrtime.bigint();
  if (!isAnswered) throw new SampleError("an answer did not come");
  const view = new DataView(answer.buffer);
  return { askedNs, arrivedNs: view.getBigUint64(0), leftNs: view.getBigUint64(8), answeredNs };
}

/** Whether the server's clock is the client's: every time lies where it must between the others. */
export function isSameClock(exchanges: readonly Exchange[]): boolean {
  return exchanges.every(
    ({ askedNs, arrivedNs, leftNs, answeredNs }) => askedNs <= arrivedNs && arrivedNs <= leftNs && leftNs <= answeredNs,
  );
}
