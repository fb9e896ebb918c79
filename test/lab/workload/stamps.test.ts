import { expect, test } from "vitest";
import { type Exchange, isSameClock, stampsRequest } from "../../../src/lab/workload/stamps.ts";

const GOOD: Exchange = { askedNs: 10n, arrivedNs: 11n, leftNs: 11n, answeredNs: 12n };

test("a server has the client's clock where all its times lie between the client's", () => {
  expect(isSameClock([GOOD, GOOD])).toBe(true);
  expect(isSameClock([GOOD, { ...GOOD, arrivedNs: 9n }])).toBe(false);
  expect(isSameClock([GOOD, { ...GOOD, leftNs: 13n }])).toBe(false);
  expect(isSameClock([GOOD, { ...GOOD, arrivedNs: 12n }])).toBe(false);
});

test("a request is the number of calls in network order", () => {
  expect([...stampsRequest(0x102)]).toEqual([0, 0, 0, 0, 0, 0, 1, 2]);
});
