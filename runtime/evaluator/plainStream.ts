/**
 * The uniform polynomials of ../ring/draw.ts by the letter, in plain TypeScript: what judges our own arithmetic draws them for
 * itself. ChaCha20 as RFC 8439 section 2.3 has it, but for a counter of 64 bits and a nonce of two words.
 */

/** "expand 32-byte k" */
const CONSTANT = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
const BLOCK_WORDS = 16;
const DOUBLE_ROUNDS = 10;
const DOMAINS = { seeded: 1, public: 2 } as const;

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function quarterRound(x: Int32Array, a: number, b: number, c: number, d: number): void {
  x[a] = x[a]! + x[b]!;
  x[d] = rotate(x[d]! ^ x[a], 16);
  x[c] = x[c]! + x[d];
  x[b] = rotate(x[b]! ^ x[c], 12);
  x[a] = x[a] + x[b];
  x[d] = rotate(x[d] ^ x[a], 8);
  x[c] = x[c] + x[d];
  x[b] = rotate(x[b] ^ x[c], 7);
}

/** The next block of the stream that begins with `state`. */
function nextBlock(state: Int32Array): Uint32Array {
  const x = state.slice();
  for (let round = 0; round < DOUBLE_ROUNDS; round++) {
    for (let column = 0; column < 4; column++) quarterRound(x, column, column + 4, column + 8, column + 12);
    for (let row = 0; row < 4; row++)
      quarterRound(x, row, 4 + ((row + 1) % 4), 8 + ((row + 2) % 4), 12 + ((row + 3) % 4));
  }
  for (let word = 0; word < BLOCK_WORDS; word++) x[word] = x[word]! + state[word]!;
  state[12] = state[12]! + 1;
  if (state[12] === 0) state[13] = state[13]! + 1;
  return new Uint32Array(x.buffer);
}

/** What a polynomial is drawn from. */
export interface PlainDraw {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly domain: keyof typeof DOMAINS;
  /** Which of the polynomials of this key. */
  readonly index: number;
}

/**
 * N residues below prime number `which`, low and high halves in turns.
 * @param prime of at most 60 bits
 */
export function plainResidues(
  { key, domain, index }: PlainDraw,
  which: number,
  prime: bigint,
  degree: number,
): Uint32Array {
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  const seed = Array.from({ length: 8 }, (_, word) => view.getInt32(4 * word, true));
  const state = Int32Array.from([...CONSTANT, ...seed, 0, 0, index, DOMAINS[domain] * 2 ** 24 + which]);
  const mask = (1n << BigInt(prime.toString(2).length)) - 1n;
  const [lowMask, highMask] = [Number(mask & 0xffff_ffffn), Number(mask >> 32n)];
  const [primeLow, primeHigh] = [Number(prime & 0xffff_ffffn), Number(prime >> 32n)];
  // Primes below 2^31 take 32 bits of the stream each, the others 64.
  const step = prime < 2n ** 31n ? 1 : 2;
  const residues = new Uint32Array(2 * degree);
  let found = 0;
  while (found < degree) {
    const block = nextBlock(state);
    for (let word = 0; word < BLOCK_WORDS && found < degree; word += step) {
      const low = (block[word]! & lowMask) >>> 0;
      const high = step === 1 ? 0 : (block[word + 1]! & highMask) >>> 0;
      if (high > primeHigh || (high === primeHigh && low >= primeLow)) continue;
      residues[2 * found] = low;
      residues[2 * found + 1] = high;
      found++;
    }
  }
  return residues;
}
