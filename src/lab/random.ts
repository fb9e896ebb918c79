/** Random choices that a seed decides, the same on every host. */
export interface Random {
  /** Uniform in [0, 1), with 32 random bits. */
  readonly next: () => number;
  /** A permutation of the values, each with the same probability (Fisher and Yates). */
  readonly shuffle: <Value>(values: readonly Value[]) => Value[];
}

/**
 * @param seed any words, e.g. the run's seed with what the choice is for: each gives a sequence of its own, so that a
 *   resumed run chooses as the killed one would have.
 */
export function seededRandom(...seed: readonly (string | number)[]): Random {
  const next = sfc32(hash(seed.join("\0")));
  return {
    next,
    shuffle: (values) => {
      const result = [...values];
      for (let last = result.length - 1; last > 0; last--) {
        const other = Math.floor(next() * (last + 1));
        [result[last], result[other]] = [result[other] as (typeof result)[0], result[last] as (typeof result)[0]];
      }
      return result;
    },
  };
}

type State = [number, number, number, number];

/** Four FNV-1a hashes of the text, with different first values. */
function hash(text: string): State {
  const state: State = [0x811c9dc5, 0x01000193, 0x9e3779b9, 1];
  for (const byte of new TextEncoder().encode(text)) {
    for (const [index, value] of state.entries()) state[index] = Math.imul(value ^ byte, 0x01000193) >>> 0;
  }
  return state;
}

/** sfc32 of PractRand (Doty-Humphrey): a small chaotic generator with a counter; the first results are thrown away. */
function sfc32([first, second, third, counter]: State): () => number {
  let a = first | 0;
  let b = second | 0;
  let c = third | 0;
  let count = counter | 0;
  const next = () => {
    const sum = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 15; round++) next();
  return next;
}
