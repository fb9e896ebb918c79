/** Packets of GDB's remote serial protocol (GDB manual, appendix E.1): `$`, the text, `#` and its checksum. */

/** Longest text that is taken or sent. */
export const PACKET_BYTES_MAX = 16384;

const DOLLAR = 0x24;
const HASH = 0x23;
const PLUS = 0x2b;
const MINUS = 0x2d;
const BRACE = 0x7d;
/** What a client sends for Ctrl-C. */
const INTERRUPT = 0x03;
const ESCAPE_BIT = 0x20;

/** What a client sent. */
export type Received =
  /** A character a byte. */
  | { readonly type: "packet"; readonly text: string }
  /** A packet that is damaged or too long: it should be sent again. */
  | { readonly type: "damaged" }
  | { readonly type: "interrupt" }
  /** It did not understand the last packet. */
  | { readonly type: "again" };

/** Finds packets in a stream; what lies between them is skipped. Never holds more than one packet. */
export class PacketReader {
  #state: "between" | "text" | "first digit" | "second digit" = "between";
  #text: number[] = [];
  #isTooLong = false;
  #sum = 0;
  #firstDigit = "";

  *read(bytes: Uint8Array): Generator<Received> {
    for (const byte of bytes) {
      const received = this.#take(byte);
      if (received !== undefined) yield received;
    }
  }

  #take(byte: number): Received | undefined {
    switch (this.#state) {
      case "between":
        return this.#takeBetween(byte);
      case "text":
        this.#takeText(byte);
        return undefined;
      case "first digit":
        this.#firstDigit = String.fromCharCode(byte);
        this.#state = "second digit";
        return undefined;
      case "second digit":
        this.#state = "between";
        return this.#end(this.#firstDigit + String.fromCharCode(byte));
    }
  }

  #takeBetween(byte: number): Received | undefined {
    if (byte === DOLLAR) this.#begin();
    if (byte === MINUS) return { type: "again" };
    return byte === INTERRUPT ? { type: "interrupt" } : undefined;
  }

  #begin(): void {
    this.#state = "text";
    this.#text = [];
    this.#isTooLong = false;
    this.#sum = 0;
  }

  #takeText(byte: number): void {
    if (byte === DOLLAR) {
      this.#begin();
    } else if (byte === HASH) {
      this.#state = "first digit";
    } else {
      this.#sum = (this.#sum + byte) & 0xff;
      if (this.#text.length < PACKET_BYTES_MAX) this.#text.push(byte);
      else this.#isTooLong = true;
    }
  }

  #end(digits: string): Received {
    const isWhole = /^[0-9a-fA-F]{2}$/.test(digits) && Number.parseInt(digits, 16) === this.#sum && !this.#isTooLong;
    return isWhole ? { type: "packet", text: unescaped(this.#text) } : { type: "damaged" };
  }
}

function unescaped(bytes: readonly number[]): string {
  let text = "";
  for (let index = 0; index < bytes.length; index++) {
    const isEscape = bytes[index] === BRACE;
    if (isEscape) index++;
    text += String.fromCharCode((bytes[index] ?? 0) ^ (isEscape ? ESCAPE_BIT : 0));
  }
  return text;
}

/** The bytes of a packet. @param text a character a byte. */
export function packet(text: string): Uint8Array {
  // `*` would begin a repetition.
  const escaped = text.replace(
    /[$#}*]/g,
    (character) => `}${String.fromCharCode(character.charCodeAt(0) ^ ESCAPE_BIT)}`,
  );
  const body = Buffer.from(escaped, "latin1");
  const sum = body.reduce((total, byte) => (total + byte) & 0xff, 0);
  return Buffer.concat([Buffer.of(DOLLAR), body, Buffer.from(`#${sum.toString(16).padStart(2, "0")}`)]);
}

/** That a packet was understood, or not. */
export const ACKNOWLEDGED = Uint8Array.of(PLUS);
export const NOT_UNDERSTOOD = Uint8Array.of(MINUS);
