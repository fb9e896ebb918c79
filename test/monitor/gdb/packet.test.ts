import { describe, expect, it } from "vitest";
import { PACKET_BYTES_MAX, PacketReader, packet, type Received } from "../../../src/monitor/gdb/packet.ts";
import { SEED, seededRandom } from "../../support/random.ts";

const read = (bytes: Uint8Array | string): Received[] => [...new PacketReader().read(Buffer.from(bytes))];

describe("packets of GDB's remote protocol", () => {
  it("have the manual's form", () => {
    // The sum of "OK" modulo 256 (GDB manual, appendix E.1).
    expect(Buffer.from(packet("OK")).toString()).toBe("$OK#9a");
    expect(Buffer.from(packet("")).toString()).toBe("$#00");
    expect(Buffer.from(packet("}#$*")).toString("latin1")).toBe("$}]}\x03}\x04}\x0a#62");
  });

  it("are found between acknowledgments, interrupts and what is none", () => {
    expect(read("+$g#67-\x03noise$m0,4#fd")).toEqual([
      { type: "packet", text: "g" },
      { type: "again" },
      { type: "interrupt" },
      { type: "packet", text: "m0,4" },
    ]);
  });

  it("are damaged where the sum is wrong or no number, and begin anew at a dollar sign", () => {
    expect(read("$g#68")).toEqual([{ type: "damaged" }]);
    expect(read("$g#6x")).toEqual([{ type: "damaged" }]);
    expect(read("$gar$g#67")).toEqual([{ type: "packet", text: "g" }]);
  });

  it("have at most so many bytes", () => {
    const fits = "x".repeat(PACKET_BYTES_MAX);
    expect(read(packet(fits))).toEqual([{ type: "packet", text: fits }]);
    expect(read(packet(`${fits}x`))).toEqual([{ type: "damaged" }]);
  });

  it(`come back as they were written, however the stream is cut (seed ${SEED})`, () => {
    const random = seededRandom();
    for (let round = 0; round < 200; round++) {
      const bytes = Array.from({ length: random.integer(0, 300) }, () => random.integer(0, 255));
      const text = String.fromCharCode(...bytes);
      const reader = new PacketReader();
      const received: Received[] = [];
      const stream = Buffer.from(packet(text));
      for (let at = 0; at < stream.length; ) {
        const length = random.integer(1, 40);
        received.push(...reader.read(stream.subarray(at, at + length)));
        at += length;
      }
      expect(received).toEqual([{ type: "packet", text }]);
    }
  });

  it(`take any bytes (seed ${SEED})`, () => {
    const random = seededRandom();
    const reader = new PacketReader();
    let packets = 0;
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: 200 }, () =>
        random.pick([0x24, 0x23, 0x7d, 0x30, random.integer(0, 255)]),
      );
      for (const { type } of reader.read(bytes)) packets += type === "packet" ? 1 : 0;
    }
    // `$#00` alone comes often enough.
    expect(packets).toBeGreaterThan(10);
    expect([...reader.read(Buffer.from("#00#00$?#3f"))].at(-1)).toEqual({ type: "packet", text: "?" });
  });
});
